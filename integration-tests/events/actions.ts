/** Whatever gives events, done by docker's command line or by the API where that has no command for it. */

export interface Step {
  /** What is done. */
  readonly name: string;
  /** For bash: `docker` speaks to the daemon in question; see {@link prelude}. */
  readonly script: string;
  /** The event that comes last, `type action`; the step is over when it has been seen. */
  readonly last: string;
}

/**
 * What all scripts begin with. `$IMAGE` is busybox, `$REGISTRY` where it comes from, `$W` a folder that all steps share. Names are
 * the same for every daemon, and so is everything else.
 */
export const prelude = `
set -eu
api() { # METHOD TARGET [BODY]
  curl -sS --unix-socket "\${DOCKER_HOST#unix://}" -X "$1" -H 'Content-Type: application/json' -d "\${3:-}" "http://d$2"
}
until_prints() { # PATTERN COMMAND...: asks again until it does
  local pattern=$1 try; shift
  for try in $(seq 200); do "$@" 2>&1 | grep -Eq -- "$pattern" && return; sleep 0.05; done; "$@"; return 1
}
type_later() { # CONDITION TEXT COMMAND: at a terminal, types once the condition holds
  local condition=$1 text=$2; shift 2
  { for try in $(seq 200); do eval "$condition" && break; sleep 0.05; done; printf "$text"; sleep 2; } | script -qec "$*" /dev/null
}
`;

const loop = `sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'`;

/** In this order: a step may use what those before it have made. */
export const steps: readonly Step[] = [
  // Images.
  { name: 'pull', script: 'docker pull -q $IMAGE', last: 'image pull' },
  { name: 'pull again', script: 'docker pull -q $IMAGE', last: 'image pull' },
  {
    name: 'pull by digest',
    script: `docker pull -q $(docker inspect -f '{{index .RepoDigests 0}}' $IMAGE)`,
    last: 'image pull',
  },
  { name: 'pull all tags', script: 'docker pull -qa \${IMAGE%:*}', last: 'image pull' },
  { name: 'tag', script: 'docker tag $IMAGE busy:one', last: 'image tag' },
  {
    name: 'tag by id',
    script: `docker tag $(docker inspect -f '{{.Id}}' $IMAGE) busy:two`,
    last: 'image tag',
  },
  {
    name: 'push',
    script: 'docker tag $IMAGE $REGISTRY/copied:1; docker push -q $REGISTRY/copied:1',
    last: 'image push',
  },
  {
    name: 'push all tags',
    script: 'docker tag $IMAGE $REGISTRY/copied:2; docker push -qa $REGISTRY/copied',
    last: 'image push',
  },
  { name: 'save', script: 'docker save -o $W/one.tar busy:one', last: 'image save' },
  {
    name: 'save of two',
    script: 'docker save -o $W/two.tar busy:one busy:two',
    last: 'image save',
  },
  { name: 'untag', script: 'docker rmi busy:two', last: 'image untag' },
  { name: 'load', script: 'docker load -qi $W/two.tar', last: 'image load' },
  {
    name: 'load of what one name moves from',
    script: `docker tag $IMAGE busy:moved; docker save -o $W/moved.tar busy:moved
      mkdir -p $W/root; echo file >$W/root/file; tar -C $W/root -cf $W/root.tar file
      docker rmi busy:moved; docker import $W/root.tar busy:moved; docker load -qi $W/moved.tar`,
    last: 'image load',
  },
  {
    name: 'import with a name and labels',
    script: `docker import -c 'LABEL kind=imported' -c 'CMD ["/x"]' $W/root.tar imported:1`,
    last: 'image import',
  },
  { name: 'import without a name', script: 'docker import $W/root.tar', last: 'image import' },
  {
    name: 'tag of a labelled image',
    script: 'docker tag imported:1 imported:2',
    last: 'image tag',
  },
  { name: 'untag of a labelled image', script: 'docker rmi imported:2', last: 'image untag' },
  { name: 'delete of a labelled image', script: 'docker rmi imported:1', last: 'image delete' },
  {
    name: 'delete of an image with several names',
    script: `docker import $W/root.tar several:1; docker tag several:1 several:2
      docker rmi -f $(docker inspect -f '{{.Id}}' several:1)`,
    last: 'image delete',
  },
  { name: 'image prune', script: 'docker image prune -f', last: 'image prune' },
  {
    name: 'image prune of all that is not used',
    script: `docker import -c 'LABEL kind=unused' $W/root.tar unused:1
      docker image prune -af --filter label=kind=unused`,
    last: 'image prune',
  },
  // Volumes.
  {
    name: 'volume create',
    script: 'docker volume create --label kind=volume vol; docker volume create vol',
    last: 'volume create',
  },
  {
    name: 'run with volumes',
    script: `docker run --rm -v vol:/vol -v vol:/again:ro -v named:/named -v /anonymous --name volumes $IMAGE true`,
    last: 'container destroy',
  },
  {
    name: 'run with a copied volume',
    script: `docker create --mount type=volume,src=copied,dst=/bin --name volumes $IMAGE true; docker start -a volumes; docker rm -v volumes`,
    last: 'container destroy',
  },
  { name: 'volume rm', script: 'docker volume rm vol', last: 'volume destroy' },
  {
    name: 'volume prune',
    script: 'docker volume prune -af || docker volume prune -f',
    last: 'volume prune',
  },
  // Networks.
  {
    name: 'network create',
    script: 'docker network create --label kind=net net; docker network create other',
    last: 'network create',
  },
  {
    name: 'run in a network',
    script: 'docker run -d --network net --name connected --label kind=c $IMAGE sleep 1000',
    last: 'container start',
  },
  {
    name: 'network connect and disconnect',
    script: 'docker network connect other connected; docker network disconnect net connected',
    last: 'network disconnect',
  },
  {
    name: 'network disconnect by force',
    script: 'docker network disconnect -f other connected',
    last: 'network disconnect',
  },
  {
    name: 'network connect of what does not run',
    script: `docker create --name resting $IMAGE true; docker network connect net resting
      docker network disconnect net resting; docker network connect other resting; docker rm resting`,
    last: 'container destroy',
  },
  {
    name: 'rm of what runs in a network',
    script: 'docker network connect net connected; docker rm -f connected',
    last: 'container destroy',
  },
  { name: 'network rm', script: 'docker network rm net', last: 'network destroy' },
  { name: 'network prune', script: 'docker network prune -f', last: 'network prune' },
  { name: 'network prune of nothing', script: 'docker network prune -f', last: 'network prune' },
  {
    name: 'run with the network of the host, and of none',
    script: `docker run --rm --network host --name hosted $IMAGE true
      docker run --rm --network none --name lonely $IMAGE true`,
    last: 'container destroy',
  },
  // Containers.
  {
    name: 'create and start',
    script: `docker create --name main --label kind=main --label empty= $IMAGE ${loop}; docker start main`,
    last: 'container start',
  },
  {
    name: 'start of what runs',
    script: 'docker start main; docker top main',
    last: 'container top',
  },
  { name: 'exec', script: `docker exec main sh -c 'exit 4' || true`, last: 'container exec_die' },
  { name: 'exec -d', script: 'docker exec -d main true', last: 'container exec_die' },
  {
    name: 'exec of what is not there',
    script: 'docker exec main /nothing -x || true; docker top main -o pid',
    last: 'container top',
  },
  {
    name: 'exec at a terminal',
    script: `type_later 'docker inspect -f "{{.ExecIDs}}" main | grep -q "[0-9a-f]"' 'q' 'docker exec -it --detach-keys q main sleep 7' || true`,
    last: 'container exec_detach',
  },
  {
    name: 'resize',
    script: `docker run -dit --name terminal $IMAGE sh; api POST '/v1.41/containers/terminal/resize?h=20&w=70'
      id=$(api POST /v1.41/containers/terminal/exec '{"Tty":true,"Cmd":["sleep","5"]}' | sed 's/.*"Id":"\\([0-9a-f]*\\)".*/\\1/')
      api POST /v1.41/exec/$id/start '{"Detach":true,"Tty":true}'; api POST "/v1.41/exec/$id/resize?h=10&w=30"
      docker kill terminal`,
    last: 'container kill',
  },
  {
    name: 'attach and detach',
    script: `docker start terminal
      type_later true '\\x10\\x11' 'docker attach terminal'; docker rm -f terminal`,
    last: 'container destroy',
  },
  {
    name: 'attach to output',
    script: 'docker run --name output $IMAGE echo; docker rm output',
    last: 'container destroy',
  },
  {
    name: 'cp',
    script:
      'echo x >$W/file; docker cp $W/file main:/tmp/file; docker cp main:/tmp/file $W/back; docker cp main:/tmp - >/dev/null',
    last: 'container archive-path',
  },
  { name: 'export', script: 'docker export -o $W/export.tar main', last: 'container export' },
  {
    name: 'diff, logs, stats, port, inspect',
    script:
      'docker diff main; docker logs main; docker stats --no-stream main; docker port main; docker top main',
    last: 'container top',
  },
  {
    name: 'commit',
    script: `docker commit -m why -a who -c 'LABEL kind=committed' main committed:1; docker rmi committed:1`,
    last: 'image delete',
  },
  {
    name: 'commit without a name',
    script: `docker rmi $(docker commit -p=false main)`,
    last: 'image delete',
  },
  {
    name: 'run of an image with labels',
    script: `docker commit -c 'LABEL kind=image' -c 'LABEL two=2' main labelled
      docker run --rm --name labelled --label two=3 labelled true; docker rmi labelled`,
    last: 'image delete',
  },
  {
    name: 'rename',
    script: 'docker rename main renamed; docker rename renamed main',
    last: 'container rename',
  },
  { name: 'update', script: 'docker update --cpu-shares 300 main', last: 'container update' },
  {
    name: 'pause and unpause',
    script: 'docker pause main; docker unpause main',
    last: 'container unpause',
  },
  {
    name: 'kill with a signal it survives',
    script: 'docker kill -s USR2 main || true; docker kill -s 28 main',
    last: 'container kill',
  },
  { name: 'restart', script: 'docker restart main', last: 'container restart' },
  { name: 'stop', script: 'docker stop main', last: 'container stop' },
  {
    name: 'stop and kill of what has stopped',
    script: 'docker stop main; docker kill main || true; docker start main',
    last: 'container start',
  },
  { name: 'kill', script: 'docker kill main; docker wait main', last: 'container die' },
  { name: 'restart of what has stopped', script: 'docker restart main', last: 'container restart' },
  {
    name: 'kill of what is paused',
    script: 'docker pause main; docker kill -s 28 main; docker unpause main || true',
    last: 'container unpause',
  },
  {
    name: 'kill of what is paused for good',
    script: 'docker pause main; docker kill main; docker start main',
    last: 'container start',
  },
  {
    name: 'rm -f of what is paused',
    script: `docker run -d --name paused $IMAGE sleep 1000; docker pause paused; docker rm -f paused`,
    last: 'container destroy',
  },
  {
    name: 'stop of what is paused',
    script: 'docker pause main; docker stop main',
    last: 'container stop',
  },
  {
    name: 'stop with a signal',
    script: `docker run -d --name deaf --stop-signal USR1 $IMAGE sleep 1000; docker stop -t 0 deaf`,
    last: 'container stop',
  },
  { name: 'rm', script: 'docker rm deaf', last: 'container destroy' },
  { name: 'rm -f', script: 'docker start main; docker rm -f main', last: 'container destroy' },
  {
    name: 'run',
    script: 'docker run --name ended $IMAGE sh -c "exit 6" || true',
    last: 'container die',
  },
  {
    name: 'run --rm',
    script: 'docker run --rm --name removed $IMAGE true',
    last: 'container destroy',
  },
  {
    name: 'run -it',
    script: `script -qec "docker run --rm -it --name terminal $IMAGE true" /dev/null </dev/null`,
    last: 'container destroy',
  },
  {
    name: 'start that fails',
    script: 'docker run --name failing $IMAGE /nothing || true; docker rm failing',
    last: 'container destroy',
  },
  {
    name: 'start that fails, and rm',
    script: 'docker run --rm --name failing $IMAGE /nothing || true',
    last: 'container destroy',
  },
  {
    name: 'restart policy',
    script: `docker run -d --restart on-failure:2 --name again $IMAGE false; until_prints '2 exited' docker inspect -f '{{.RestartCount}} {{.State.Status}}' again; docker rm again`,
    last: 'container destroy',
  },
  {
    name: 'oom',
    script: `docker run --name hungry -m 16m --memory-swap 16m $IMAGE sh -c 'sleep 0.5; tail /dev/zero; sleep 2' || true; docker rm hungry`,
    last: 'container destroy',
  },
  {
    name: 'health',
    script: `docker run -d --name healthy --health-cmd 'test -e /well || { touch /well; false; }' --health-interval 2s --health-retries 1 $IMAGE sleep 1000
      until_prints '^healthy' docker inspect -f '{{.State.Health.Status}}' healthy; docker rm -f healthy`,
    last: 'container destroy',
  },
  { name: 'container prune', script: 'docker container prune -f', last: 'container prune' },
  {
    name: 'container prune of nothing',
    script: 'docker container prune -f',
    last: 'container prune',
  },
  {
    name: 'a container with the network of another',
    script: `docker run -d --name provider $IMAGE sleep 1000; docker run --rm --name guest --network container:provider $IMAGE true; docker rm -f provider`,
    last: 'container destroy',
  },
  {
    name: 'several networks',
    script: `docker network create first; docker network create second; docker create --name both --network first $IMAGE true; docker network connect second both
      docker start -a both; docker rm both; docker network rm first second`,
    last: 'network destroy',
  },
  {
    name: 'rmi of what was pulled',
    script: 'docker rmi $IMAGE || true; docker rmi $REGISTRY/copied:1 $REGISTRY/copied:2',
    last: 'image untag',
  },
  {
    name: 'rmi by id',
    script: `docker rmi -f $(docker inspect -f '{{.Id}}' $REGISTRY/busybox:oci)`,
    last: 'image delete',
  },
  { name: 'reload', script: 'kill -HUP $DAEMON_PID', last: 'daemon reload' },
];
