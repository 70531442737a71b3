/** containerd.services.tasks.v1.Tasks */
import { StackError, isStackError } from '#spec/errors';
import type { TasksService } from '#proto/generated/containerd.services.tasks.v1';
import type { Process } from '#proto/generated/containerd.v1.types';
import { requireNamespace } from '#proto/server';
import type { CallContext, Handlers } from '#proto/service';
import { timestampNow } from '#proto/timestamp';
import type { Containers } from '../containers/containers.ts';
import { fieldsOf, parseFilters } from '../filters/filter.ts';
import { requireIdentifier } from '../metadata/identifier.ts';
import { restorePathOf, type Checkpoints } from '../tasks/checkpoints.ts';
import { quickDeadlineMs, slowDeadlineMs } from '../tasks/deadlines.ts';
import type { Tasks } from '../tasks/tasks.ts';

const quick = { deadlineMs: quickDeadlineMs };
const slow = { deadlineMs: slowDeadlineMs };

export function tasksService(
  tasks: Tasks,
  containers: Containers,
  checkpoints: Checkpoints,
): Handlers<typeof TasksService> {
  const shimOf = (context: CallContext, id: string) => tasks.client(requireNamespace(context), id);
  return {
    async create(request, context) {
      const { containerId, rootfs, stdin, stdout, stderr, terminal, options } = request;
      const namespace = requireNamespace(context);
      if (request.taskApiAddress !== '') {
        throw new StackError('unimplemented', 'a task in a running sandbox: not implemented');
      }
      const container = containers.get(namespace, containerId);
      const checkpoint = restorePathOf(options);
      const stored = checkpoint === '' ? request.checkpoint : undefined;
      const pid = await tasks.create({
        namespace,
        container,
        request: {
          rootfs,
          stdin,
          stdout,
          stderr,
          terminal,
          checkpoint,
          parentCheckpoint: '',
          ...(options && { options }),
        },
        runtimePath: request.runtimePath,
        ...(stored && {
          unpackCheckpoint: (folder) => checkpoints.unpack(namespace, stored, folder),
        }),
      });
      return { containerId, pid };
    },

    async start({ containerId: id, execId }, context) {
      const { pid } = await shimOf(context, id).start({ id, execId }, slow);
      return { pid };
    },

    async delete({ containerId }, context) {
      const exit = await tasks.delete(requireNamespace(context), containerId);
      return { id: containerId, ...exit };
    },

    async deleteProcess({ containerId, execId }, context) {
      const exit = await tasks.deleteExec(requireNamespace(context), containerId, execId);
      return { id: execId, ...exit };
    },

    async get({ containerId, execId }, context) {
      return { process: await tasks.process(requireNamespace(context), containerId, execId) };
    },

    async list(_request, context) {
      const namespace = requireNamespace(context);
      const processes = await Promise.all(
        tasks.list(namespace).map(async (id) =>
          tasks.process(namespace, id, '').catch((error: unknown): Process | undefined => {
            if (isStackError(error, 'not_found')) return undefined; // deleted meanwhile
            throw error;
          }),
        ),
      );
      return { tasks: processes.filter((process) => process !== undefined) };
    },

    async kill({ containerId: id, execId, signal, all }, context) {
      await shimOf(context, id).kill({ id, execId, signal, all }, quick);
      return {};
    },

    async exec({ containerId: id, execId, stdin, stdout, stderr, terminal, spec }, context) {
      requireIdentifier(execId, 'exec id');
      const request = { id, execId, stdin, stdout, stderr, terminal, spec };
      await shimOf(context, id).exec(request, slow);
      return {};
    },

    async resizePty({ containerId: id, execId, width, height }, context) {
      await shimOf(context, id).resizePty({ id, execId, width, height }, quick);
      return {};
    },

    async closeIO({ containerId: id, execId, stdin }, context) {
      await shimOf(context, id).closeIO({ id, execId, stdin }, quick);
      return {};
    },

    async pause({ containerId: id }, context) {
      await shimOf(context, id).pause({ id }, quick);
      return {};
    },

    async resume({ containerId: id }, context) {
      await shimOf(context, id).resume({ id }, quick);
      return {};
    },

    async listPids({ containerId: id }, context) {
      return shimOf(context, id).pids({ id }, quick);
    },

    async checkpoint({ containerId, options }, context) {
      const namespace = requireNamespace(context);
      const { lease } = context;
      const container = containers.get(namespace, containerId);
      const shim = shimOf(context, containerId);
      return {
        descriptors: await checkpoints.save({ namespace, lease, container, options, shim }),
      };
    },

    async update({ containerId: id, resources, annotations }, context) {
      await shimOf(context, id).update({ id, resources, annotations }, quick);
      return {};
    },

    async metrics({ filters }, context) {
      const namespace = requireNamespace(context);
      const matches = parseFilters(filters);
      const ids = tasks.list(namespace).filter((id) => matches(fieldsOf({ id, namespace })));
      const metrics = await Promise.all(
        ids.map(async (id) => {
          try {
            const { stats } = await tasks.client(namespace, id).stats({ id }, quick);
            return { id, timestamp: timestampNow(), ...(stats && { data: stats }) };
          } catch {
            return undefined; // a task without a running process has no metrics
          }
        }),
      );
      return { metrics: metrics.filter((metric) => metric !== undefined) };
    },

    async wait({ containerId, execId }, context) {
      const namespace = requireNamespace(context);
      const { exitStatus, exitedAt } = await tasks.wait(
        namespace,
        containerId,
        execId,
        context.signal,
      );
      return { exitStatus, exitedAt };
    },
  };
}
