/** Answers that are streams of JSON objects: what an action says while it goes on. */
import { isStackError, messageOf } from '#spec/errors';
import { encodeJson } from '../../http/json.ts';
import type { ApiResponse } from '../../http/response.ts';

/**
 * Messages of an action as they come; a failure before the first one has a status, unless the stream has `begun` before anything
 * is tried, later ones travel in the stream.
 */
export async function streamMessages(
  response: ApiResponse,
  action: (send: (message: unknown) => void) => Promise<unknown>,
  { begun = false } = {},
): Promise<void> {
  let body = begun ? response.stream(200, 'application/json') : undefined;
  const send = (message: unknown): void => {
    body ??= response.stream(200, 'application/json');
    body.write(encodeJson(message).replace(/\n$/, '\r\n')); // as docker ends its lines
  };
  try {
    await action(send);
  } catch (error) {
    if (!body) {
      answerRegistryFailure(response, error);
      return;
    }
    send({ errorDetail: { message: messageOf(error) }, error: messageOf(error) });
  }
  body ??= response.stream(200, 'application/json');
  body.end();
}

/** dockerd answers 500, not 503, where it is a registry that cannot be reached. Throws every other error again. */
export function answerRegistryFailure(response: ApiResponse, error: unknown): void {
  if (!isStackError(error, 'unavailable')) throw error;
  response.json(500, { message: error.message });
}
