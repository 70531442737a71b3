/** /debug: what Go's expvar shows of a process, as far as Node has the same. */
import { StackError } from '#spec/errors';
import type { Handler, Route } from '../../http/router.ts';

export function debugRoutes(): Route[] {
  return [
    { method: 'GET', path: '/debug/vars', handler: variables },
    { method: 'GET', path: '/debug/pprof/', handler: noProfiles },
    { method: 'GET', path: '/debug/pprof/{name}', handler: noProfiles },
  ];
}

const variables: Handler = async (_request, response) => {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  response.json(200, {
    cmdline: [process.argv0, ...process.argv.slice(2)],
    memstats: {
      Alloc: heapUsed,
      Sys: rss,
      HeapAlloc: heapUsed,
      HeapSys: heapTotal,
      HeapIdle: heapTotal - heapUsed,
      HeapInuse: heapUsed,
      OtherSys: external,
    },
  });
};

const noProfiles: Handler = async () => {
  throw new StackError(
    'unimplemented',
    'profiles in the format of Go: this engine is no Go program; its log says with --debug how long each call took',
  );
};
