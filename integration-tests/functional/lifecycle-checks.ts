/** What is done with a container while it lives and after it. */
import type { Check } from './check.ts';

/** One that says something and ends with 3 when it is asked to stop. */
const start = `docker run -d --name $N --network none $IMAGE \\
  sh -c 'trap "exit 3" TERM; echo line1; while :; do sleep 0.1; done' && until_prints line1 docker logs $N && `;
const idle = 'docker run -d --name $N --network none';

export const lifecycleChecks: readonly Check[] = [
  { name: 'logs', script: `${start} docker logs $N`, prints: /^line1$/m },
  {
    name: 'logs -f --tail -t',
    script: `${start} timeout 2 docker logs -f --tail 1 -t $N; true`,
    prints: /^\d{4}-\d\d-\d\dT[\d:.]+Z line1$/m,
  },
  {
    name: 'logs --since and --until',
    script: `${start} docker logs --since 1h $N && [ -z "$(docker logs --until 1h $N)" ]`,
    prints: /^line1$/m,
  },
  { name: 'exec', script: `${start} docker exec $N echo hey`, prints: /^hey$/m },
  {
    name: 'exec -e -u -w',
    script: `${start} docker exec -e X=1 -u 5 -w /tmp $N sh -c 'id -u; echo $X; pwd'`,
    prints: /^5\n1\n\/tmp$/m,
  },
  {
    name: 'exec ends with the exit code',
    script: `${start} { docker exec $N sh -c 'exit 9'; [ $? = 9 ]; }`,
  },
  { name: 'exec -i', script: `${start} echo typed | docker exec -i $N cat`, prints: /^typed$/m },
  {
    name: 'exec -it gives a terminal',
    script: `${start} in_terminal docker exec -it $N tty`,
    prints: /\/dev\/pts/,
  },
  {
    name: 'exec -d',
    script: `${start} docker exec -d $N touch /made && until_prints made docker exec $N ls /`,
  },
  { name: 'top', script: `${start} docker top $N`, prints: /sh -c/ },
  {
    name: 'stats',
    script: `${start} docker stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' $N`,
    prints: /f\S+ [\d.]+[KM]iB \/ \S+ \d+/,
  },
  {
    name: 'inspect -f',
    script: `${start} docker inspect -f '{{.State.Status}} {{.HostConfig.NetworkMode}} {{len .Mounts}}' $N`,
    prints: /^running none 0$/m,
  },
  {
    name: 'ps -a --filter --format',
    script: `${start} docker ps -a --filter name=$N --filter status=running --format '{{.Image}} {{.Status}}'`,
    prints: /busybox.* Up /,
  },
  {
    name: 'pause and unpause',
    script: `${start} docker pause $N && docker inspect -f '{{.State.Status}}' $N && docker unpause $N &&
      docker inspect -f '{{.State.Status}}' $N`,
    prints: /paused\n.*\nrunning/,
  },
  {
    name: 'cp in and out',
    script: `${start} echo data > $W/f && docker cp -q $W/f $N:/tmp/f && docker exec $N cat /tmp/f && docker cp $N:/tmp/f - | tar t`,
    prints: /^data\nf$/m,
  },
  {
    name: 'diff',
    script: `${start} docker exec $N sh -c 'touch /new; rm /etc/group' && docker diff $N`,
    prints: /^D \/etc\/group\n(.*\n)*A \/new$|^A \/new\n(.*\n)*D \/etc\/group$/m,
  },
  {
    name: 'commit',
    script: `${start} docker exec $N sh -c 'echo kept > /f' && docker commit -c 'CMD ["cat","/f"]' $N $N:1 && docker run --rm $N:1`,
    prints: /^kept$/m,
  },
  { name: 'export', script: `${start} docker export $N | tar t`, prints: /^bin\/busybox$/m },
  {
    name: 'rename',
    script: `${start} docker rename $N $N-b && docker inspect -f '{{.Name}}' $N-b && ! docker inspect $N`,
    prints: /^\/f\w+-b$/m,
  },
  {
    name: 'stop asks, wait tells',
    script: `${start} docker stop -t 5 $N && docker wait $N`,
    prints: /^3$/m,
  },
  {
    name: 'start and restart',
    script: `${start} docker stop -t 0 $N && docker start $N && docker restart -t 0 $N && docker inspect -f '{{.State.Running}}' $N`,
    prints: /^true$/m,
  },
  { name: 'kill', script: `${start} docker kill $N && docker wait $N`, prints: /^137$/m },
  { name: 'kill -s', script: `${start} docker kill -s TERM $N && docker wait $N`, prints: /^3$/m },
  {
    name: 'rm refuses what runs, rm -f does not',
    script: `${start} { docker rm $N; [ $? = 1 ]; } && docker rm -f $N`,
    prints: /cannot remove (a running )?container/i,
  },
  {
    name: 'events --since --until --filter',
    script: `${start} docker kill $N && docker wait $N && docker events --since 60s --until $(($(date +%s) + 1)) --filter container=$N`,
    prints: /container create (.*\n)*.*container start (.*\n)*.*container die .*exitCode=137/,
  },
  {
    name: 'attach hands input on',
    script: `${idle} -i $IMAGE sh -c 'read a; echo got $a; sleep 1' && echo zz | docker attach $N; until_prints 'got zz' docker logs $N`,
  },
  {
    name: 'a health check',
    script: `${idle} --health-cmd true --health-interval 1s $IMAGE sleep 60 &&
      until_prints ^healthy docker inspect -f '{{.State.Health.Status}}' $N && docker ps --filter name=$N`,
    prints: /\(healthy\)/,
  },
  {
    name: 'a health check that fails',
    script: `${idle} --health-cmd 'echo ill; false' --health-interval 200ms --health-retries 2 $IMAGE sleep 60 &&
      until_prints ^unhealthy docker inspect -f '{{.State.Health.Status}}' $N &&
      docker inspect -f '{{(index .State.Health.Log 0).Output}} {{(index .State.Health.Log 0).ExitCode}}' $N`,
    prints: /^ill\n? ?1$/m,
  },
  {
    name: '--restart always',
    script: `${idle} --restart always $IMAGE sh -c 'sleep 0.3; exit 1' && until_prints '^[1-9]' docker inspect -f '{{.RestartCount}}' $N`,
  },
  {
    name: '--restart on-failure:3 gives up',
    script: `${idle} --restart on-failure:3 $IMAGE false && until_prints '^3 exited' docker inspect -f '{{.RestartCount}} {{.State.Status}}' $N`,
  },
  {
    name: '--restart unless-stopped stays stopped',
    script: `${idle} --restart unless-stopped $IMAGE sleep 60 && docker stop -t 0 $N && docker inspect -f '{{.State.Status}} {{.RestartCount}}' $N`,
    prints: /^exited 0$/m,
  },
  {
    name: 'run -d --rm removes it at its end',
    script: `docker run -d --rm --name $N --network none $IMAGE true && until_prints 'No such' docker inspect $N`,
  },
  {
    name: '--log-driver none keeps nothing',
    script: `docker run --name $N --log-driver none --network none $IMAGE echo x; docker logs $N; [ $? = 1 ]`,
    prints: /configured logging driver does not support reading/,
  },
  {
    name: '--log-opt max-size max-file rotates',
    script: `docker run --name $N --log-opt max-size=10k --log-opt max-file=2 --network none $IMAGE seq 1 5000 >/dev/null
      docker logs $N > $W/kept; tail -1 $W/kept; [ $(wc -l < $W/kept) -lt 4000 ]`,
    prints: /^5000$/m,
  },
  {
    name: '--log-driver local',
    script: `docker run --name $N --log-driver local --network none $IMAGE seq 1 5 >/dev/null && docker logs --tail 1 $N`,
    prints: /^5$/m,
  },
  {
    name: 'create, then start -a',
    script: `docker create --name $N --network none $IMAGE sh -c 'echo started; exit 4' && docker start -a $N; [ $? = 4 ]`,
    prints: /^started$/m,
  },
  {
    name: 'container prune',
    script: `docker run --name $N --label only=$N --network none $IMAGE true && docker container prune -f --filter label=only=$N`,
    prints: /Deleted Containers:\n[0-9a-f]{64}/,
  },
];

const bind = 'docker run --rm --network none';

export const volumeChecks: readonly Check[] = [
  {
    name: 'a named volume is kept, and read-only where that is asked',
    script: `docker volume create $N && ${bind} -v $N:/d $IMAGE sh -c 'echo q >/d/f' &&
      ${bind} -v $N:/d:ro $IMAGE sh -c 'cat /d/f; ! touch /d/g' && docker volume rm $N`,
    prints: /^q\n.*Read-only file system/m,
  },
  {
    name: 'a volume in use is not removed',
    script: `docker create --name $N -v $N:/d $IMAGE true && { docker volume rm $N; [ $? = 1 ]; }`,
    prints: /volume is in use/,
  },
  {
    name: 'a new volume begins with what the image has there',
    script: `${bind} -v $N:/etc $IMAGE grep -c root /etc/passwd && ${bind} -v $N:/d $IMAGE grep -c root /d/passwd`,
    prints: /^1\n1$/m,
  },
  {
    name: 'a folder of the host',
    script: `echo z > $W/f && ${bind} -v $W:/d $IMAGE sh -c 'cat /d/f; echo back > /d/g' && cat $W/g`,
    prints: /^z\nback$/m,
  },
  {
    name: 'a folder of the host that is not there yet',
    script: `${bind} -v $W/new/er:/d $IMAGE true && [ -d $W/new/er ]; ${bind} --mount type=bind,src=$W/none,dst=/d $IMAGE true; [ $? = 125 ]`,
    prints: /bind source path does not exist/,
  },
  {
    name: 'a folder whose mounts go both ways',
    script: `mount --bind $W $W && mount --make-rshared $W && ${bind} -v $W:/d:rshared $IMAGE grep ' /d ' /proc/self/mountinfo
      status=$?; umount $W; exit $status`,
    prints: /shared:/,
  },
  {
    name: '--mount type=tmpfs',
    script: `${bind} --mount type=tmpfs,dst=/m,tmpfs-size=1m $IMAGE df -k /m`,
    prints: /^tmpfs +1024 /m,
  },
  {
    name: '--volumes-from',
    script: `docker create --name $N -v /data $IMAGE true && ${bind} --volumes-from $N $IMAGE ls -d /data && docker rm -v $N`,
    prints: /^\/data$/m,
  },
  {
    name: 'volume ls, inspect and prune',
    script: `docker volume create --label only=$N $N && docker volume ls -q --filter label=only=$N && docker volume inspect -f '{{.Driver}}' $N &&
      docker run --rm -v /anonymous $IMAGE true && docker volume prune -f --filter label=only=$N`,
    prints: /^local\n(Deleted Volumes:\n.*\n\n)?Total reclaimed space/m,
  },
  {
    name: 'a volume with options',
    script: `docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m $N && ${bind} -v $N:/d $IMAGE df -k /d`,
    prints: /\s1024 /,
  },
];
