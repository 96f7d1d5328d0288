import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerMount, ContainerRuntime } from '../../containers/container.ts';
import type { AddressRules } from '../../images/remote/hosts.ts';
import { Lines } from '../../lib/lines.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { relayAgent } from '../mounts/agent-relay.ts';
import { type GitLimits, GitWatch } from './git-limits.ts';
import { GuardedProxy, withReason } from './guarded-proxy.ts';

/** Nobody: a number that owns nothing. */
const NOBODY = 65534;

/** Folders of this machine that git, ssh and Node are made of. */
const PROGRAMS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** And what they read: certificates, and nothing that is this machine's alone. */
const SETTINGS = ['/etc/ssl/certs', '/etc/ca-certificates', '/etc/pki'];

/** Last lines that a complaint repeats, and how many characters of each. */
const LAST_LINES = 5;
const LONGEST_LINE = 2000;

/**
 * Inside: `listen PORT` stands between git and the proxy's socket; `HOST PORT` is a connection for ssh (ProxyCommand) and
 * for git:// (core.gitProxy).
 */
const RELAY = `
const net = require('node:net');
const [first, second] = process.argv.slice(2);
const open = () => net.connect('/proxy/socket');
if (first === 'listen') {
  net.createServer((client) => {
    const proxy = open();
    for (const socket of [client, proxy]) socket.on('error', () => { client.destroy(); proxy.destroy(); });
    client.pipe(proxy).pipe(client);
  }).listen(Number(second), '127.0.0.1', () => require('node:fs').writeFileSync('/tmp/ready', ''));
} else {
  const proxy = open();
  proxy.write('CONNECT ' + first + ':' + second + ' HTTP/1.1\\r\\nHost: ' + first + '\\r\\n\\r\\n');
  let head = '';
  proxy.on('error', () => process.exit(1));
  const wait = (chunk) => {
    head += chunk.toString('latin1');
    const end = head.indexOf('\\r\\n\\r\\n');
    if (end < 0) return;
    proxy.off('data', wait);
    if (!head.startsWith('HTTP/1.1 200')) { console.error('no connection to ' + first); process.exit(1); }
    process.stdout.write(Buffer.from(head.slice(end + 4), 'latin1'));
    proxy.pipe(process.stdout);
    process.stdin.pipe(proxy);
    proxy.on('close', () => process.exit(0));
  };
  proxy.on('data', wait);
}
`;

/** No configuration but this, no helper, no prompt, no protocol that runs programs or reads files of the machine. */
const GIT_ENV = [
  'GIT_CONFIG_NOSYSTEM=1',
  'GIT_CONFIG_GLOBAL=/dev/null',
  'GIT_TERMINAL_PROMPT=0',
  'GIT_ASKPASS=/bin/false',
  'GIT_ALLOW_PROTOCOL=https:http:ssh:git',
  'GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/tmp/known_hosts -o ProxyCommand="/node /proxy/relay.cjs %h %p"',
  'GIT_PROXY_COMMAND=/proxy/git-proxy',
  'http_proxy=http://127.0.0.1:8118',
  'https_proxy=http://127.0.0.1:8118',
  'HOME=/tmp',
  'LC_ALL=C',
];

export interface GitRun {
  /** For sh(1), which finds the values of `args` as `$1`, `$2` ... in /work. */
  script: string;
  args: readonly string[];
  /** `K=V`, in the order in which git shall see them. */
  config: readonly [key: string, value: string][];
  signal: AbortSignal;
  /** Socket of an ssh agent on this machine. */
  agent?: string | undefined;
}

/**
 * Runs git where a repository can do no harm: in a container as nobody, with this machine's programs read-only and none of
 * its other files, no capabilities, and no network but the guarded proxy (decision 0010).
 */
export class GitSandbox {
  readonly #runtime: ContainerRuntime;
  readonly #rules: AddressRules;
  readonly #limits: GitLimits;

  constructor(runtime: ContainerRuntime, rules: AddressRules, limits: GitLimits) {
    this.#runtime = runtime;
    this.#rules = rules;
    this.#limits = limits;
  }

  /**
   * @param folder an empty one of this build; `work` in it is the script's working folder afterwards
   * @returns standard output
   * @throws Problem `failed` with what git said, `denied` for an address, `exhausted` beyond a limit, `unsupported` without
   * containers, `cancelled`
   */
  async run(folder: string, { script, args, config, signal, agent }: GitRun): Promise<string> {
    const at = (name: string) => join(folder, name);
    await makeFolder(at('work'), NOBODY);
    for (const name of ['root', 'upper', 'proxy']) await makeFolder(at(name), 0);
    const mounts = await machineMounts(at('root'));
    await writeFile(at('proxy/relay.cjs'), RELAY, { mode: 0o644 });
    await writeFile(at('proxy/git-proxy'), '#!/bin/sh\nexec /node /proxy/relay.cjs "$1" "$2"\n', { mode: 0o755 });
    mounts.push({ kind: 'bind', source: process.execPath, target: '/node', readonly: true });
    mounts.push({ kind: 'bind', source: at('proxy'), target: '/proxy', readonly: true });
    mounts.push({ kind: 'bind', source: at('work'), target: '/work', readonly: false });
    mounts.push({ kind: 'tmpfs', target: '/tmp', sizeBytes: 64 << 20 });
    if (agent !== undefined) mounts.push({ kind: 'bind', source: at('agent'), target: '/agent', readonly: false });
    const relay =
      agent === undefined ? undefined : await relayAgent(at('agent'), agent, { uid: NOBODY, gid: NOBODY, mode: 0o600 });
    const proxy = await GuardedProxy.listen(at('proxy/socket'), this.#rules);
    const output: Buffer[] = [];
    const watch = new GitWatch(this.#limits, at('work'));
    const said: string[] = [];
    const lines = new Lines(LONGEST_LINE);
    const say = (line: string) => {
      said.push(line);
      if (said.length > LAST_LINES) said.shift();
    };
    try {
      await chmod(at('proxy/socket'), 0o666);
      const { code } = await this.#runtime.run(
        {
          id: `git-${randomBytes(6).toString('hex')}`,
          rootfs: { lowers: [at('root')], upper: at('upper') },
          args: ['/bin/sh', '-euc', `${START_RELAY}${script}`, 'git', ...args],
          env: [...GIT_ENV, ...configEnv(config), ...(agent === undefined ? [] : ['SSH_AUTH_SOCK=/agent'])],
          cwd: '/work',
          user: `${NOBODY}:${NOBODY}`,
          hostname: 'git',
          mounts,
          network: { kind: 'none' },
        },
        {
          signal: AbortSignal.any([signal, watch.signal]),
          onStdout: (chunk) => {
            if (watch.takeOutput(chunk.length)) output.push(chunk);
          },
          onStderr: (chunk) => {
            for (const line of lines.take(chunk.toString('utf8'))) say(line);
          },
        },
      );
      await watch.finish();
      const rest = lines.end();
      if (rest !== '') say(rest);
      if (code === 0) return Buffer.concat(output).toString('utf8');
      if (proxy.refusal !== undefined && /makes no connections there/.test(proxy.refusal))
        throw new Problem('denied', proxy.refusal);
      throw new Problem('failed', withReason(said.join('\n'), proxy.refusal) || `git ended with ${code}`, {
        exitCode: code,
      });
    } catch (error) {
      throw watch.broken ?? error;
    } finally {
      await watch.close();
      await proxy.close();
      await relay?.close();
    }
  }
}

const START_RELAY = `/node /proxy/relay.cjs listen 8118 &
relay=$!
while [ ! -e /tmp/ready ]; do kill -0 $relay; sleep 0.01; done
`;

async function makeFolder(path: string, owner: number): Promise<void> {
  await mkdir(path, { mode: 0o755 });
  await chown(path, owner, owner);
}

/** The machine's programs: folders as read-only mounts, and links such as /bin -> usr/bin as they are. */
async function machineMounts(root: string): Promise<ContainerMount[]> {
  const mounts: ContainerMount[] = [];
  for (const path of [...PROGRAMS, ...SETTINGS]) {
    const kind = await kindOf(path);
    if (kind === 'link') await symlink(await readlink(path), join(root, path));
    else if (kind === 'folder') mounts.push({ kind: 'bind', source: path, target: path, readonly: true });
  }
  await mkdir(join(root, 'etc'), { recursive: true });
  await writeFile(join(root, 'etc/passwd'), `root:x:0:0::/:/bin/sh\ngit:x:${NOBODY}:${NOBODY}::/tmp:/bin/sh\n`);
  return mounts;
}

async function kindOf(path: string): Promise<'link' | 'folder' | undefined> {
  try {
    const stat = await lstat(path);
    return stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : undefined;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** git-config(1), ENVIRONMENT: values that no list of processes shows. */
function configEnv(config: readonly [key: string, value: string][]): string[] {
  return [
    `GIT_CONFIG_COUNT=${config.length}`,
    ...config.flatMap(([key, value], i) => [`GIT_CONFIG_KEY_${i}=${key}`, `GIT_CONFIG_VALUE_${i}=${value}`]),
  ];
}
