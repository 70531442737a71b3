/** Metrics in the text format of Prometheus (version 0.0.4): counters, gauges and histograms, each with its labels. */

export type Labels = Readonly<Record<string, string>>;

/** Something that a scrape prints. */
export interface Metric {
  /** Its lines, comments first, each ended by a newline. */
  expose(): string;
}

/** Only ever grows. */
export class Counter implements Metric {
  readonly #name: string;
  readonly #help: string;
  #value = 0;

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  increment(): void {
    this.#value++;
  }

  expose(): string {
    return `${header(this.#name, this.#help, 'counter')}${sample(this.#name, {}, this.#value)}`;
  }
}

/** What is read when somebody asks, for each set of labels. */
export class Reading implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #type: 'gauge' | 'counter';
  readonly #read: () => readonly (readonly [Labels, number])[];

  constructor(
    name: string,
    help: string,
    read: () => readonly (readonly [Labels, number])[],
    type: 'gauge' | 'counter' = 'gauge',
  ) {
    this.#name = name;
    this.#help = help;
    this.#type = type;
    this.#read = read;
  }

  expose(): string {
    const samples = this.#read().map(([labels, value]) => sample(this.#name, labels, value));
    return header(this.#name, this.#help, this.#type) + samples.join('');
  }
}

/** Upper bounds in seconds: those of Prometheus' client libraries. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How long things take, in seconds, by the value of one label. */
export class Timer implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #label: string;
  readonly #series = new Map<string, { buckets: number[]; sum: number; count: number }>();

  /** `known` values are there from the start, with one measurement of nothing, as docker's are. */
  constructor(name: string, help: string, label: string, known: readonly string[] = []) {
    this.#name = name;
    this.#help = help;
    this.#label = label;
    for (const value of known) this.observe(value, 0);
  }

  observe(value: string, seconds: number): void {
    let series = this.#series.get(value);
    if (!series) {
      series = { buckets: bounds.map(() => 0), sum: 0, count: 0 };
      this.#series.set(value, series);
    }
    const { buckets } = series;
    bounds.forEach((bound, index) => {
      if (seconds <= bound) buckets[index] = (buckets[index] ?? 0) + 1;
    });
    series.sum += seconds;
    series.count++;
  }

  expose(): string {
    let text = header(this.#name, this.#help, 'histogram');
    for (const [value, { buckets, sum, count }] of this.#series) {
      const labels = { [this.#label]: value };
      bounds.forEach((bound, index) => {
        text += sample(
          `${this.#name}_bucket`,
          { ...labels, le: String(bound) },
          buckets[index] ?? 0,
        );
      });
      text += sample(`${this.#name}_bucket`, { ...labels, le: '+Inf' }, count);
      text += sample(`${this.#name}_sum`, labels, sum);
      text += sample(`${this.#name}_count`, labels, count);
    }
    return text;
  }
}

function header(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
