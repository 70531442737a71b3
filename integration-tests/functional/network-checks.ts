/** What containers reach, and from where they are reached. */
import type { Check } from './check.ts';

const run = 'docker run --rm';
/** Serves a page on port 80. */
const serve = `sh -c 'mkdir -p /w; echo page of $0 > /w/index.html; exec httpd -f -p 80 -h /w' $N`;
const gateway = `gateway=$(docker exec $N ip route | awk '/^default/ {print $3}')`;
const curl = 'curl -s -m 5 --retry 20 --retry-delay 1 --retry-all-errors';

export const networkChecks: readonly Check[] = [
  {
    name: 'the default bridge',
    script: `${run} $IMAGE ip -4 addr show eth0`,
    prints: /inet 1\d+\./,
  },
  { name: '--network host', script: `${run} --network host $IMAGE ip addr`, prints: /wan0/ },
  {
    name: '--network none',
    script: `${run} --network none $IMAGE sh -c 'ls /sys/class/net | grep -v lo; ip route'; true`,
    prints: /^$/,
  },
  {
    name: '--dns',
    script: `${run} --dns 9.9.9.9 $IMAGE cat /etc/resolv.conf`,
    prints: /nameserver 9\.9\.9\.9/,
  },
  {
    name: '--hostname and --add-host',
    script: `${run} -h box --add-host one.test:1.2.3.4 $IMAGE sh -c 'hostname; cat /etc/hosts'`,
    prints: /^box\n(.*\n)*1\.2\.3\.4\s+one\.test$/m,
  },
  {
    name: 'network create with a subnet',
    script: `docker network create $N --subnet 10.199.0.0/24 && docker network inspect -f '{{(index .IPAM.Config 0).Subnet}}' $N`,
    prints: /^10\.199\.0\.0\/24$/m,
  },
  {
    name: 'names and aliases on a user-defined network',
    script: `docker network create $N && docker run -d --name $N --network $N --network-alias al-$N $IMAGE ${serve} &&
      ${run} --network $N $IMAGE timeout 10 sh -c "cat /etc/resolv.conf; until wget -qO- http://$N/; do sleep 0.1; done; wget -qO- http://al-$N/"`,
    prints: /nameserver 127\.0\.0\.11\n(.*\n)*(page of f.*\n?){2}/,
  },
  {
    name: '--ip',
    script: `docker network create $N --subnet 10.199.1.0/24 && ${run} --network $N --ip 10.199.1.77 $IMAGE ip -4 addr show eth0`,
    prints: /10\.199\.1\.77/,
  },
  {
    name: '--mac-address',
    script: `${run} --mac-address 02:42:ac:99:00:07 $IMAGE ip link show eth0`,
    prints: /02:42:ac:99:00:07/,
  },
  {
    name: 'network connect and disconnect',
    script: `docker network create $N && docker run -d --name $N --network $N $IMAGE ${serve} && docker run -d --name $N-b $IMAGE sleep 60 &&
      docker network connect $N $N-b && docker exec $N-b timeout 10 sh -c "until wget -qO- http://$N/; do sleep 0.1; done" &&
      docker network disconnect $N $N-b && ! docker exec $N-b timeout 3 wget -qO- http://$N/`,
    prints: /^page of f/m,
  },
  {
    name: 'networks are apart from one another',
    script: `docker network create $N && docker run -d --name $N --network $N $IMAGE ${serve} &&
      ip=$(docker inspect -f "{{(index .NetworkSettings.Networks \\"$N\\").IPAddress}}" $N) &&
      ${run} --network $N $IMAGE timeout 10 sh -c "until wget -qO- http://$ip/; do sleep 0.1; done" &&
      ${run} $IMAGE sh -c "timeout -s KILL 2 wget -qO- http://$ip/ || echo blocked"`,
    prints: /^page of f\w+\n(.*\n)*blocked$/m,
  },
  {
    name: '--network container:',
    script: `docker run -d --name $N $IMAGE ${serve} &&
      ${run} --network container:$N $IMAGE timeout 10 sh -c 'until wget -qO- http://127.0.0.1/; do sleep 0.1; done'`,
    prints: /^page of f/m,
  },
  {
    name: 'network rm refuses one in use',
    script: `docker network create $N && docker run -d --name $N --network $N $IMAGE sleep 60 && { docker network rm $N; [ $? = 1 ]; }`,
    prints: /has active endpoints/,
  },
  {
    name: 'an internal network has no way out',
    script: `docker network create --internal $N && ${run} --network $N $IMAGE ip route | tee $W/routes && ! grep default $W/routes`,
    prints: /^[\d./]+ dev eth0/m,
  },
  {
    name: 'IPv6',
    script: `docker network create --ipv6 --subnet fd00:99::/64 $N && ${run} --network $N $IMAGE ip -6 addr show eth0`,
    prints: /fd00:99::/,
  },
  {
    name: 'macvlan',
    script: `docker network create -d macvlan -o parent=wan0 --subnet 10.198.0.0/24 $N && ${run} --network $N $IMAGE ip -4 addr`,
    prints: /10\.198\.0\./,
  },
  {
    name: 'ipvlan',
    script: `docker network create -d ipvlan -o parent=wan0 --subnet 10.197.0.0/24 $N && ${run} --network $N $IMAGE ip -4 addr`,
    prints: /10\.197\.0\./,
  },
  {
    name: '--link',
    script: `docker run -d --name $N $IMAGE ${serve} && ${run} --link $N:other $IMAGE timeout 10 sh -c 'until wget -qO- http://other/; do sleep 0.1; done'`,
    prints: /^page of f/m,
  },
  {
    name: '-p: from loopback',
    script: `docker run -d --name $N -p 8081:80 $IMAGE ${serve} && ${curl} http://127.0.0.1:8081/`,
    prints: /^page of f/m,
  },
  {
    name: '-p: at the gateway of the bridge',
    script: `docker run -d --name $N -p 8081:80 $IMAGE ${serve} && ${gateway} && ${curl} http://$gateway:8081/`,
    prints: /^page of f/m,
  },
  {
    name: '-p: from another container, by the host',
    script: `docker run -d --name $N -p 8081:80 $IMAGE ${serve} && ${run} $IMAGE timeout 10 sh -c "until wget -qO- http://$HERE:8081/; do sleep 0.1; done"`,
    prints: /^page of f/m,
  },
  {
    name: '-p: from another machine',
    script: `docker run -d --name $N -p 8083:80 $IMAGE ${serve} && outside ${curl} http://$HERE:8083/`,
    prints: /^page of f/m,
  },
  {
    name: '-p 127.0.0.1: is not reached from another machine',
    script: `docker run -d --name $N -p 127.0.0.1:8083:80 $IMAGE ${serve} && ${curl} http://127.0.0.1:8083/ && ! outside curl -s -m 2 http://$HERE:8083/`,
    prints: /^page of f/m,
  },
  {
    name: 'port',
    script: `docker run -d --name $N -p 127.0.0.1::80 $IMAGE ${serve} && docker port $N`,
    prints: /^80\/tcp -> 127\.0\.0\.1:\d+$/m,
  },
  {
    name: '-p: udp',
    script: `docker run -d --name $N -p 8082:9/udp -v /:/host:ro $IMAGE chroot /host /usr/bin/perl -MIO::Socket::INET -e '
        $| = 1; IO::Socket::INET->new(LocalPort => 9, Proto => "udp")->recv(my $datagram, 99); print $datagram' &&
      for i in $(seq 50); do echo datagram > /dev/udp/127.0.0.1/8082; docker logs $N | grep datagram && break; sleep 0.2; done`,
    prints: /^datagram$/m,
  },
  {
    name: '-p: a port in use is refused by name',
    script: `docker run -d --name $N -p 8084:80 $IMAGE sleep 60 && { docker run -d --name $N-b -p 8084:80 $IMAGE sleep 60; [ $? = 125 ]; }`,
    prints: /8084.*(port is already allocated|address already in use)/,
  },
  {
    name: 'other machines see the host, not the container',
    script: `mkdir -p $W/cgi-bin; printf '#!/bin/sh\\necho; echo peer=$REMOTE_ADDR\\n' > $W/cgi-bin/a; chmod +x $W/cgi-bin/a
      nsenter --net=/run/netns/$OUTSIDE_NAME -- busybox httpd -f -p $OUTSIDE:8000 -h $W & server=$!
      ${run} $IMAGE timeout 10 sh -c "until wget -qO- http://$OUTSIDE:8000/cgi-bin/a; do sleep 0.1; done"; status=$?; kill $server; exit $status`,
    prints: /peer=(::ffff:)?10\.213\.0\.1$/m,
  },
];

export const imageChecks: readonly Check[] = [
  { name: 'pull', script: `docker pull $IMAGE`, prints: /Status: Image is up to date for/ },
  {
    name: 'pull of what is not there',
    script: `docker pull $REGISTRY/no/such; [ $? = 1 ]`,
    prints: /not found|manifest unknown|repository does not exist/,
  },
  {
    name: 'tag and rmi',
    script: `docker tag $IMAGE $N:1 && docker rmi $N:1`,
    prints: /Untagged: f\w+:1/,
  },
  {
    name: 'images --filter',
    script: `docker tag $IMAGE $N:1 && docker images --filter reference=$N:1 -q`,
    prints: /^[0-9a-f]{12}$/m,
  },
  { name: 'history', script: `docker history --no-trunc $IMAGE`, prints: /CREATED BY/ },
  {
    name: 'image inspect',
    script: `docker image inspect -f '{{.Os}} {{index .Config.Cmd 0}} {{len .RootFS.Layers}}' $IMAGE`,
    prints: /^linux sh 1$/m,
  },
  {
    name: 'save and load',
    script: `docker tag $IMAGE $N:1 && docker save $N:1 > $W/image.tar && docker rmi $N:1 && docker load < $W/image.tar && docker run --rm $N:1 echo hi`,
    prints: /Loaded image: f\w+:1\nhi$/m,
  },
  {
    name: 'import',
    script: `mkdir $W/root && echo in > $W/root/f && tar -C $W/root -c . | docker import -c 'CMD ["/f"]' - $N:1 && docker image inspect -f '{{.Config.Cmd}}' $N:1`,
    prints: /^\[\/f\]$/m,
  },
  {
    name: 'push, rmi and pull',
    script: `docker tag $IMAGE $REGISTRY/$N:1 && docker push -q $REGISTRY/$N:1 && docker rmi $REGISTRY/$N:1 && docker pull -q $REGISTRY/$N:1`,
    prints: /\/f\w+:1$/m,
  },
  {
    name: 'manifest inspect',
    script: `DOCKER_CLI_EXPERIMENTAL=enabled docker manifest inspect --insecure $IMAGE`,
    prints: /schemaVersion/,
  },
  {
    name: 'image prune',
    script: `docker create --name $N $IMAGE && docker commit $N && docker image prune -f`,
    prints: /deleted: sha256:(.*\n)*Total reclaimed space/,
  },
  {
    name: 'rmi refuses what a container uses',
    script: `docker tag $IMAGE $N:1 && id=$(docker commit $(docker create --name $N-a $IMAGE)) && docker create --name $N $id && { docker rmi $id; [ $? = 1 ]; }; docker rm $N; docker rmi $id`,
    prints: /image is being used by (stopped )?container|must be forced/,
  },
  { name: 'system df', script: `docker system df`, prints: /^Images +\d+/m },
  {
    name: 'info',
    script: `docker info -f '{{.OSType}} {{.CgroupDriver}}'`,
    prints: /^linux cgroupfs$/m,
  },
  {
    name: 'version',
    script: `docker version -f '{{.Server.Os}} {{.Server.APIVersion}}'`,
    prints: /^linux 1\.\d+$/m,
  },
];
