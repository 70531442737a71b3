/** What a container hears when it asks: its neighbours by name, the rest of the world by others. */
import { isIPv4 } from 'node:net';
import type { Endpoint } from '../network-controller.ts';
import {
  encodeAnswer,
  parseQuestion,
  recordTypes,
  responseCodes,
  reversedAddress,
  truncateAnswer,
  type Question,
} from './message.ts';
import type { Upstream } from './upstream.ts';

/** Who a container may ask for, and whom its other questions go to. */
export interface Neighbourhood {
  readonly endpoints: readonly Endpoint[];
  /** Names that the container alone knows neighbours by, with theirs. */
  readonly links: Readonly<Record<string, string>>;
  readonly nameServers: readonly string[];
  /** Whether no question may leave. */
  readonly isInternal: boolean;
  /** Whether the container itself reaches IPv6 addresses. */
  readonly hasIpv6: boolean;
}

/** What fits into an answer by UDP without extensions (RFC 1035, 4.2.1). */
const udpLimitBytes = 512;

export interface ResolverOptions {
  readonly neighbourhood: () => Neighbourhood;
  /** Out of the container's namespace. */
  readonly inside: Upstream;
  /** Out of the host's, for name servers on its loopback, or of a family that the container does not have. */
  readonly outside: Upstream;
}

/** The answer to one message; undefined for what is no question. */
export async function answer(
  query: Buffer,
  transport: 'udp' | 'tcp',
  { neighbourhood, inside, outside }: ResolverOptions,
): Promise<Buffer | undefined> {
  const question = parseQuestion(query);
  if (!question) return undefined;
  const { endpoints, links, nameServers, isInternal, hasIpv6 } = neighbourhood();
  const own = question.isInternet ? answerOwn(question, endpoints, links) : undefined;
  if (own) {
    return transport === 'udp' && own.length > udpLimitBytes ? truncateAnswer(question) : own;
  }
  const failed = encodeAnswer(question, [], responseCodes.serverFailure);
  if (isInternal) return failed;
  for (const server of nameServers) {
    const way = isReachedFromInside(server, hasIpv6) ? inside : outside;
    const reply = await way.ask(server, query, transport);
    if (reply) return reply;
  }
  return failed;
}

function isReachedFromInside(server: string, hasIpv6: boolean): boolean {
  return isIPv4(server) ? !server.startsWith('127.') : hasIpv6 && server !== '::1';
}

/** Undefined for what is no name or address of a container. */
function answerOwn(
  question: Question,
  endpoints: readonly Endpoint[],
  links: Neighbourhood['links'],
): Buffer | undefined {
  const { name, type } = question;
  const address = reversedAddress(name);
  if (address !== undefined) {
    const owner = endpoints.find(({ ipAddress, ipv6Address }) =>
      [ipAddress, ipv6Address].includes(address),
    );
    const [first] = owner?.names ?? [];
    if (!owner || first === undefined) return undefined;
    return encodeAnswer(question, [{ name: `${first}.${owner.networkName}` }]);
  }
  const linked = Object.entries(links).find(([link]) => link.toLowerCase() === name)?.[1];
  const wanted = linked?.toLowerCase() ?? name;
  const named = endpoints.filter((endpoint) => isCalled(endpoint, wanted));
  if (named.length === 0) return undefined;
  const isAny = type === recordTypes.ANY;
  const found = [
    ...(isAny || type === recordTypes.A ? named.map(({ ipAddress }) => ipAddress) : []),
    ...(isAny || type === recordTypes.AAAA ? named.map(({ ipv6Address }) => ipv6Address) : []),
  ];
  const addresses = [...new Set(found)].filter((item) => item !== '');
  if (addresses.length === 0) return encodeAnswer(question, []);
  // Whoever takes the first one spreads its questions over all.
  const start = Math.floor(Math.random() * addresses.length);
  const rotated = [...addresses.slice(start), ...addresses.slice(0, start)];
  return encodeAnswer(
    question,
    rotated.map((item) => ({ address: item })),
  );
}

/** By its name alone, or with its network behind it: `web`, `web.frontend`. */
function isCalled({ names, networkName }: Endpoint, name: string): boolean {
  const suffix = `.${networkName.toLowerCase()}`;
  const bare = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  return names.some((own) => own.toLowerCase() === name || own.toLowerCase() === bare);
}
