// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineEnum } from '../message.ts';
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';

export type HealthCheckResponseServingStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
export const HealthCheckResponseServingStatus = /* @__PURE__ */ defineEnum('grpc.health.v1.HealthCheckResponse.ServingStatus', {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
});

export interface HealthCheckRequest {
  /** Full name of a service; empty asks about the server as a whole. */
  service: string;
}
export const HealthCheckRequest = /* @__PURE__ */ defineMessage<HealthCheckRequest>('grpc.health.v1.HealthCheckRequest', () => [
  [1, 'service', 'string'],
]);

export interface HealthCheckResponse {
  status: HealthCheckResponseServingStatus;
}
export const HealthCheckResponse = /* @__PURE__ */ defineMessage<HealthCheckResponse>('grpc.health.v1.HealthCheckResponse', () => [
  [1, 'status', HealthCheckResponseServingStatus],
]);

/** gRPC's standard health check. Clients of containerd wait on it after they dialled. */
export const HealthService = /* @__PURE__ */ defineService('grpc.health.v1.Health', {
  check: /* @__PURE__ */ defineMethod('Check', 'unary', HealthCheckRequest, HealthCheckResponse),
  /** Answers at once and again at every change. */
  watch: /* @__PURE__ */ defineMethod('Watch', 'server_stream', HealthCheckRequest, HealthCheckResponse),
});
