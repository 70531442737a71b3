/** Which handler answers a request: method and path, with path variables that may contain slashes. */
import type { ApiRequest } from './request.ts';
import type { ApiResponse } from './response.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

export type Handler = (request: ApiRequest, response: ApiResponse) => Promise<void>;

export interface Route {
  method: Method;
  /** `/containers/{id}/json`; a variable is greedy, because image names contain slashes: order decides. */
  path: string;
  handler: Handler;
  /** Whether this request turns the connection into a raw stream, or into a WebSocket. */
  hijacks?: 'raw' | 'webSocket';
}

export interface RouteMatch {
  route: Route;
  /** `1.45` of `/v1.45/…`, digits and dots in any order; undefined for a path without a version. */
  version: string | undefined;
  parameters: Readonly<Record<string, string>>;
}

export class Router {
  readonly #routes: readonly { route: Route; pattern: RegExp }[];

  /** Earlier routes win. */
  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  }

  /** `path` is decoded. Undefined when nothing matches. */
  match(method: string, path: string): RouteMatch | undefined {
    for (const { route, pattern } of this.#routes) {
      if (route.method !== method) continue;
      const found = pattern.exec(path);
      if (!found) continue;
      const { version, ...parameters } = found.groups ?? {};
      return { route, version, parameters };
    }
    return undefined;
  }
}

function patternOf(path: string): RegExp {
  const source = path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>.+)');
  return new RegExp(`^(?:/v(?<version>[0-9.]+))?${source}$`);
}
