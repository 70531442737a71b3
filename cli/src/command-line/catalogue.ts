/** Every command by all its names, and where it is loaded from: a command loads what it needs and no other. */
import type { Command } from './command.ts';

export interface CatalogueEntry {
  /** As docker lists them in help. The first of a group is the one that errors and usage lines name. */
  names: readonly string[];
  summary: string;
  /** Left out of help: for programs. */
  hidden?: boolean;
  load: () => Promise<Command>;
}

/** What `engine --help` calls the groups. */
export const groupNames: Readonly<Record<string, string>> = {
  completion: 'Generate the autocompletion script for engine for the specified shell.',
  container: 'Manage containers',
  image: 'Manage images',
  context: 'Manage contexts',
  network: 'Manage networks',
  system: 'Manage the engine',
  volume: 'Manage volumes',
};

export const catalogue: readonly CatalogueEntry[] = [
  {
    names: ['container run', 'run'],
    summary: 'Create and run a new container from an image',
    load: async () => (await import('../commands/run.ts')).run,
  },
  {
    names: ['container create', 'create'],
    summary: 'Create a new container',
    load: async () => (await import('../commands/run.ts')).create,
  },
  {
    names: ['container exec', 'exec'],
    summary: 'Execute a command in a running container',
    load: async () => (await import('../commands/exec.ts')).exec,
  },
  {
    names: ['container ls', 'container list', 'container ps', 'ps'],
    summary: 'List containers',
    load: async () => (await import('../commands/ps.ts')).ps,
  },
  {
    names: ['container attach', 'attach'],
    summary: 'Attach local standard input, output, and error streams to a running container',
    load: async () => (await import('../commands/lifecycle.ts')).attach,
  },
  {
    names: ['container start', 'start'],
    summary: 'Start one or more stopped containers',
    load: async () => (await import('../commands/lifecycle.ts')).start,
  },
  {
    names: ['container stop', 'stop'],
    summary: 'Stop one or more running containers',
    load: async () => (await import('../commands/lifecycle.ts')).stop,
  },
  {
    names: ['container kill', 'kill'],
    summary: 'Kill one or more running containers',
    load: async () => (await import('../commands/lifecycle.ts')).kill,
  },
  {
    names: ['container rm', 'container remove', 'rm'],
    summary: 'Remove one or more containers',
    load: async () => (await import('../commands/lifecycle.ts')).rm,
  },
  {
    names: ['container wait', 'wait'],
    summary: 'Block until one or more containers stop, then print their exit codes',
    load: async () => (await import('../commands/lifecycle.ts')).wait,
  },
  {
    names: ['container restart', 'restart'],
    summary: 'Restart one or more containers',
    load: async () => (await import('../commands/change.ts')).restart,
  },
  {
    names: ['container pause', 'pause'],
    summary: 'Pause all processes within one or more containers',
    load: async () => (await import('../commands/change.ts')).pause,
  },
  {
    names: ['container unpause', 'unpause'],
    summary: 'Unpause all processes within one or more containers',
    load: async () => (await import('../commands/change.ts')).unpause,
  },
  {
    names: ['container rename', 'rename'],
    summary: 'Rename a container',
    load: async () => (await import('../commands/change.ts')).rename,
  },
  {
    names: ['container update', 'update'],
    summary: 'Update configuration of one or more containers',
    load: async () => (await import('../commands/update.ts')).update,
  },
  {
    names: ['container logs', 'logs'],
    summary: 'Fetch the logs of a container',
    load: async () => (await import('../commands/logs.ts')).logs,
  },
  {
    names: ['container port', 'port'],
    summary: 'List port mappings or a specific mapping for the container',
    load: async () => (await import('../commands/port.ts')).port,
  },
  {
    names: ['container top', 'top'],
    summary: 'Display the running processes of a container',
    load: async () => (await import('../commands/look.ts')).top,
  },
  {
    names: ['container diff', 'diff'],
    summary: "Inspect changes to files or directories on a container's filesystem",
    load: async () => (await import('../commands/look.ts')).diff,
  },
  {
    names: ['container stats', 'stats'],
    summary: 'Display a live stream of container(s) resource usage statistics',
    load: async () => (await import('../commands/stats.ts')).stats,
  },
  {
    names: ['container cp', 'cp'],
    summary: 'Copy files/folders between a container and the local filesystem',
    load: async () => (await import('../commands/cp.ts')).cp,
  },
  {
    names: ['container export', 'export'],
    summary: "Export a container's filesystem as a tar archive",
    load: async () => (await import('../commands/archives.ts')).exportContainer,
  },
  {
    names: ['container commit', 'commit'],
    summary: "Create a new image from a container's changes",
    load: async () => (await import('../commands/image-changes.ts')).commit,
  },
  {
    names: ['container inspect'],
    summary: 'Display detailed information on one or more containers',
    load: async () => (await import('../commands/inspect.ts')).containerInspect,
  },
  {
    names: ['container prune'],
    summary: 'Remove all stopped containers',
    load: async () => (await import('../commands/prune.ts')).containerPrune,
  },
  {
    names: ['image pull', 'pull'],
    summary: 'Download an image from a registry',
    load: async () => (await import('../commands/pull.ts')).pull,
  },
  {
    names: ['image push', 'push'],
    summary: 'Upload an image to a registry',
    load: async () => (await import('../commands/push.ts')).push,
  },
  {
    names: ['image ls', 'image list', 'images'],
    summary: 'List images',
    load: async () => (await import('../commands/images.ts')).images,
  },
  {
    names: ['image rm', 'image remove', 'rmi'],
    summary: 'Remove one or more images',
    load: async () => (await import('../commands/images.ts')).rmi,
  },
  {
    names: ['image history', 'history'],
    summary: 'Show the history of an image',
    load: async () => (await import('../commands/history.ts')).history,
  },
  {
    names: ['image tag', 'tag'],
    summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
    load: async () => (await import('../commands/image-changes.ts')).tag,
  },
  {
    names: ['image import', 'import'],
    summary: 'Import the contents from a tarball to create a filesystem image',
    load: async () => (await import('../commands/archives.ts')).importImage,
  },
  {
    names: ['image save', 'save'],
    summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
    load: async () => (await import('../commands/archives.ts')).save,
  },
  {
    names: ['image load', 'load'],
    summary: 'Load an image from a tar archive or STDIN',
    load: async () => (await import('../commands/archives.ts')).load,
  },
  {
    names: ['image inspect'],
    summary: 'Display detailed information on one or more images',
    load: async () => (await import('../commands/inspect.ts')).imageInspect,
  },
  {
    names: ['image prune'],
    summary: 'Remove unused images',
    load: async () => (await import('../commands/prune.ts')).imagePrune,
  },
  {
    names: ['search'],
    summary: 'Search Docker Hub for images',
    load: async () => (await import('../commands/search.ts')).search,
  },
  {
    names: ['login'],
    summary: 'Authenticate to a registry',
    load: async () => (await import('../commands/login.ts')).login,
  },
  {
    names: ['logout'],
    summary: 'Log out from a registry',
    load: async () => (await import('../commands/login.ts')).logout,
  },
  {
    names: ['inspect'],
    summary: 'Return low-level information on containers, images, networks and volumes',
    load: async () => (await import('../commands/inspect.ts')).inspect,
  },
  {
    names: ['version'],
    summary: 'Show the version information of client and daemon',
    load: async () => (await import('../commands/system.ts')).version,
  },
  {
    names: ['system info', 'info'],
    summary: 'Display system-wide information',
    load: async () => (await import('../commands/system.ts')).info,
  },
  {
    names: ['system events', 'events'],
    summary: 'Get real time events from the server',
    load: async () => (await import('../commands/events.ts')).events,
  },
  {
    names: ['system df'],
    summary: 'Show disk usage',
    load: async () => (await import('../commands/system-df.ts')).systemDf,
  },
  {
    names: ['system prune'],
    summary: 'Remove unused data',
    load: async () => (await import('../commands/prune.ts')).systemPrune,
  },
  {
    names: ['system dial-stdio'],
    summary: 'Proxy the stdio stream to the daemon connection. Should not be invoked manually.',
    hidden: true,
    load: async () => (await import('../commands/dial-stdio.ts')).dialStdio,
  },
  {
    names: ['completion bash'],
    summary: 'Generate the autocompletion script for bash',
    load: async () => (await import('../commands/completion.ts')).completionBash,
  },
  {
    names: ['completion fish'],
    summary: 'Generate the autocompletion script for fish',
    load: async () => (await import('../commands/completion.ts')).completionFish,
  },
  {
    names: ['completion zsh'],
    summary: 'Generate the autocompletion script for zsh',
    load: async () => (await import('../commands/completion.ts')).completionZsh,
  },
  {
    names: ['context create'],
    summary: 'Create a context',
    load: async () => (await import('../commands/context-create.ts')).contextCreate,
  },
  {
    names: ['context update'],
    summary: 'Update a context',
    load: async () => (await import('../commands/context-create.ts')).contextUpdate,
  },
  {
    names: ['context export'],
    summary: 'Export a context to a tar archive FILE or a tar stream on STDOUT.',
    load: async () => (await import('../commands/context-archive.ts')).contextExport,
  },
  {
    names: ['context import'],
    summary: 'Import a context from a tar or zip file',
    load: async () => (await import('../commands/context-archive.ts')).contextImport,
  },
  {
    names: ['context inspect'],
    summary: 'Display detailed information on one or more contexts',
    load: async () => (await import('../commands/context.ts')).contextInspect,
  },
  {
    names: ['context ls', 'context list'],
    summary: 'List contexts',
    load: async () => (await import('../commands/context.ts')).contextList,
  },
  {
    names: ['context rm', 'context remove'],
    summary: 'Remove one or more contexts',
    load: async () => (await import('../commands/context.ts')).contextRemove,
  },
  {
    names: ['context show'],
    summary: 'Print the name of the current context',
    load: async () => (await import('../commands/context.ts')).contextShow,
  },
  {
    names: ['context use'],
    summary: 'Set the current engine context',
    load: async () => (await import('../commands/context.ts')).contextUse,
  },
  {
    names: ['network create'],
    summary: 'Create a network',
    load: async () => (await import('../commands/network-create.ts')).networkCreate,
  },
  {
    names: ['network ls', 'network list'],
    summary: 'List networks',
    load: async () => (await import('../commands/network.ts')).networkList,
  },
  {
    names: ['network inspect'],
    summary: 'Display detailed information on one or more networks',
    load: async () => (await import('../commands/network.ts')).networkInspect,
  },
  {
    names: ['network rm', 'network remove'],
    summary: 'Remove one or more networks',
    load: async () => (await import('../commands/network.ts')).networkRemove,
  },
  {
    names: ['network connect'],
    summary: 'Connect a container to a network',
    load: async () => (await import('../commands/network.ts')).networkConnect,
  },
  {
    names: ['network disconnect'],
    summary: 'Disconnect a container from a network',
    load: async () => (await import('../commands/network.ts')).networkDisconnect,
  },
  {
    names: ['network prune'],
    summary: 'Remove all unused networks',
    load: async () => (await import('../commands/prune.ts')).networkPrune,
  },
  {
    names: ['volume create'],
    summary: 'Create a volume',
    load: async () => (await import('../commands/volume.ts')).volumeCreate,
  },
  {
    names: ['volume ls', 'volume list'],
    summary: 'List volumes',
    load: async () => (await import('../commands/volume.ts')).volumeList,
  },
  {
    names: ['volume inspect'],
    summary: 'Display detailed information on one or more volumes',
    load: async () => (await import('../commands/volume.ts')).volumeInspect,
  },
  {
    names: ['volume rm', 'volume remove'],
    summary: 'Remove one or more volumes',
    load: async () => (await import('../commands/volume.ts')).volumeRemove,
  },
  {
    names: ['volume prune'],
    summary: 'Remove unused local volumes',
    load: async () => (await import('../commands/prune.ts')).volumePrune,
  },
];
