// What the stand-ins for Docker Hub's images are like: the same layers, ENV, CMD and history entries in kind as the
// official ones, made of Debian's packages. A layer is a shell script that runs as root in the tree below it.
const APT = 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends';
const CLEAN =
  'rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/log/*.log /var/log/apt';

export const PYTHON = {
  name: 'python',
  tags: ['3.11-slim', '3.11-slim-bookworm', '3.11'],
  config: {
    Env: [
      'PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'LANG=C.UTF-8',
      'PYTHON_VERSION=3.11.2',
      'PYTHON_PIP_VERSION=23.0.1',
      'PYTHON_SETUPTOOLS_VERSION=66.1.1',
    ],
    Cmd: ['python3'],
  },
  steps: [
    { meta: 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    { meta: 'ENV LANG=C.UTF-8' },
    { run: `${APT} ca-certificates netbase tzdata && ${CLEAN}` },
    { meta: 'ENV PYTHON_VERSION=3.11.2' },
    { meta: 'ENV PYTHON_PIP_VERSION=23.0.1' },
    { meta: 'ENV PYTHON_SETUPTOOLS_VERSION=66.1.1' },
    {
      run: `${APT} python3.11 python3 python3-pip python3-setuptools python3-wheel && ${CLEAN} && rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED && python3 --version && pip3 --version`,
    },
    {
      run: 'for name in idle3 pip3 pydoc3 python3; do [ -e "/usr/bin/$name" ] || continue; ln -sT "/usr/bin/$name" "/usr/local/bin/$name"; ln -sT "/usr/bin/$name" "/usr/local/bin/${name%3}"; done',
    },
    { meta: 'CMD ["python3"]' },
  ],
};

export const POSTGRES = {
  name: 'postgres',
  tags: ['15', '15-bookworm', '15.4'],
  config: {
    Env: [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin',
      'LANG=en_US.utf8',
      'PG_MAJOR=15',
      'PGDATA=/var/lib/postgresql/data',
    ],
    Entrypoint: ['docker-entrypoint.sh'],
    Cmd: ['postgres'],
    ExposedPorts: { '5432/tcp': {} },
    Volumes: { '/var/lib/postgresql/data': {} },
    StopSignal: 'SIGINT',
  },
  files: {
    '/usr/local/bin/docker-entrypoint.sh': `#!/bin/sh
# Prepares an empty data folder and runs the scripts of /docker-entrypoint-initdb.d once, as the official image does.
set -e
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" && chown -R postgres "$PGDATA" && chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --auth-host=scram-sha-256 --auth-local=trust >/dev/null
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start >/dev/null
  for script in /docker-entrypoint-initdb.d/*; do
    case "$script" in
      *.sh) . "$script" ;;
      *.sql) psql -v ON_ERROR_STOP=1 --no-psqlrc -f "$script" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
fi
exec "$@"
`,
  },
  steps: [
    {
      run: 'groupadd -r postgres --gid=999 && useradd -r -g postgres --uid=999 --home-dir=/var/lib/postgresql --shell=/bin/bash postgres && install --directory --owner=postgres --group=postgres --mode=1777 /var/lib/postgresql',
    },
    {
      run: `${APT} locales && localedef -i en_US -c -f UTF-8 en_US.UTF-8 && ${CLEAN}`,
    },
    { meta: 'ENV LANG=en_US.utf8' },
    { run: 'mkdir /docker-entrypoint-initdb.d' },
    { meta: 'ENV PG_MAJOR=15' },
    {
      run: `mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf && ${APT} postgresql-15 && ${CLEAN}`,
    },
    { run: 'install --directory --owner=postgres --group=postgres --mode=2777 /var/run/postgresql' },
    { meta: 'ENV PGDATA=/var/lib/postgresql/data' },
    { run: 'install --directory --owner=postgres --group=postgres --mode=1777 /var/lib/postgresql/data' },
    { meta: 'VOLUME [/var/lib/postgresql/data]' },
    { copy: '/usr/local/bin/docker-entrypoint.sh' },
    { meta: 'ENTRYPOINT ["docker-entrypoint.sh"]' },
    { meta: 'STOPSIGNAL SIGINT' },
    { meta: 'EXPOSE map[5432/tcp:{}]' },
    { meta: 'CMD ["postgres"]' },
  ],
};

export const REDIS = {
  name: 'redis',
  tags: ['7', '7.2', '7-bookworm'],
  config: {
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'REDIS_VERSION=7.0.15'],
    Entrypoint: ['docker-entrypoint.sh'],
    Cmd: ['redis-server'],
    ExposedPorts: { '6379/tcp': {} },
    Volumes: { '/data': {} },
    WorkingDir: '/data',
  },
  files: {
    '/usr/local/bin/docker-entrypoint.sh': `#!/bin/sh
# Options alone, or a configuration file, mean redis-server; root steps down to the redis user.
set -e
if [ "\${1#-}" != "$1" ] || [ "\${1%.conf}" != "$1" ]; then set -- redis-server "$@"; fi
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \\! -user redis -exec chown redis '{}' +
  exec setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
fi
exec "$@"
`,
  },
  steps: [
    { run: 'groupadd -r -g 999 redis && useradd -r -g redis -u 999 redis' },
    { meta: 'ENV REDIS_VERSION=7.0.15' },
    { run: `${APT} redis-server && ${CLEAN}` },
    { run: 'mkdir /data && chown redis:redis /data' },
    { meta: 'VOLUME [/data]' },
    { meta: 'WORKDIR /data' },
    { copy: '/usr/local/bin/docker-entrypoint.sh' },
    { meta: 'ENTRYPOINT ["docker-entrypoint.sh"]' },
    { meta: 'EXPOSE map[6379/tcp:{}]' },
    { meta: 'CMD ["redis-server"]' },
  ],
};
