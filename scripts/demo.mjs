// npm run demo: the main job on the embedded default. The server that it starts goes on running, so that the commands it
// prints at the end work; `npm run demo -- --stop` ends it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopUpstream } from './bases/upstream.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const slipway = join(root, 'bin/slipway');
const data = process.env.SLIPWAY_DATA ?? join(root, '.slipway');
const environment = { ...process.env, SLIPWAY_DATA: data };
const API = 'europe-central2-docker.pkg.dev/demo/live-coding/api';

if (process.argv.includes('--stop')) {
  await stopServer();
  stopUpstream();
} else await demo();

async function demo() {
  const url = await ensureServer();
  line('Server', url, `data in ${data}`);
  const seeded = run(['seed']);
  process.stdout.write(seeded.stderr);
  const example = /^example (.*)$/m.exec(seeded.stdout)?.[1];
  if (example === undefined) fail('the seed printed no example');
  const commit = spawnSync('git', ['-C', example, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  process.stdout.write('\n');
  const first = build(example, commit);
  report('api', first);
  const again = build(example, commit);
  report('again', again);
  process.stdout.write('\n');
  process.stdout.write(run(['history', API]).stdout);
  process.stdout.write(`
Both runs          ${seconds(first.ms)} and ${seconds(again.ms)}, from submit to the last line of the log

Next
  eval "$(bin/slipway env)"                       gcloud and gsutil now talk to this server
  cd ${example} && gcloud builds submit --region=europe-central2 --config=deploy/docker/api/cloudbuild.yaml --async
  bin/slipway build --explain -f ${example}/deploy/docker/api/Dockerfile ${example}
  npm run demo -- --stop                          ends the server and the upstream registry
`);
}

/** A server that runs already is used. */
async function ensureServer() {
  const running = status();
  if (running !== undefined) return running;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const log = join(data, 'server.log');
  const output = openSync(log, 'w', 0o600);
  const child = spawn(process.execPath, [slipway, 'serve', '--data', data], {
    detached: true,
    stdio: ['ignore', output, output],
    env: environment,
  });
  child.unref();
  for (let tries = 0; tries < 300; tries++) {
    const ready = /^ready (http:\S+)$/m.exec(readFileSync(log, 'utf8'))?.[1];
    if (ready !== undefined) return ready;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  fail(`the server did not start:\n${readFileSync(log, 'utf8')}`);
}

function status() {
  const answer = spawnSync(process.execPath, [slipway, 'status', '--json'], { encoding: 'utf8', env: environment });
  return answer.status === 0 ? JSON.parse(answer.stdout).url : undefined;
}

async function stopServer() {
  const answer = spawnSync(process.execPath, [slipway, 'status', '--json'], { encoding: 'utf8', env: environment });
  if (answer.status !== 0) return;
  const { pid } = JSON.parse(answer.stdout);
  process.kill(pid, 'SIGTERM');
  for (let tries = 0; tries < 200 && existsSync(`/proc/${pid}`); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  rmSync(join(data, 'server.log'), { force: true });
}

function build(example, commit) {
  const started = Date.now();
  const config = join(example, 'deploy/docker/api/cloudbuild.yaml');
  const result = run(['submit', example, '--config', config, '--substitutions', `_COMMIT_SHA=${commit}`, '--json'], 1);
  const ms = Date.now() - started;
  const start = result.stdout.indexOf('{');
  if (start < 0) fail(`submit printed no build:\n${result.stderr}`);
  const build = JSON.parse(result.stdout.slice(start));
  if (build.status !== 'SUCCESS') fail(`the build ended as ${build.status}:\n${result.stderr}`);
  return { build, ms, log: result.stderr };
}

function report(title, { build, ms, log }) {
  for (const [index, step] of build.steps.entries()) {
    const took =
      step.timing?.endTime === undefined
        ? ''
        : seconds(Date.parse(step.timing.endTime) - Date.parse(step.timing.startTime));
    line(
      index === 0 ? title : '',
      `#${index} ${step.id}`,
      step.status === 'SUCCESS' ? detail(step, log, index) : 'not there yet; allowed to fail',
      took,
    );
  }
  for (const { name, digest } of build.results?.images ?? []) line('', `${name}@${digest}`, '', '');
  line('', 'whole build', '', seconds(ms));
}

/** What a step did, in a few words; for a step of another kind the last thing that it said. */
function detail(step, log, index) {
  const prefix = `Step #${index} - "${step.id}": `;
  const said = log
    .split('\n')
    .filter((text) => text.startsWith(prefix))
    .map((text) => text.slice(prefix.length));
  if (step.args?.[0] === 'build') {
    const instructions = said.filter((text) => /^#\d+ \[\d+\/\d+\] /.test(text)).length;
    const cached = said.filter((text) => /^#\d+ CACHED/.test(text)).length;
    return `${instructions} operations, ${cached} from the cache`;
  }
  if (step.args?.[0] === 'push') return said.flatMap((text) => /^(\S+): digest: /.exec(text)?.[1] ?? []).join(', ');
  if (step.args?.[0] === 'pull')
    return said.find((text) => text.startsWith('Status: '))?.slice('Status: '.length, 70) ?? '';
  return (said.at(-1) ?? '').slice(0, 62);
}

function line(title, what, detail = '', took = '') {
  process.stdout.write(`${title.padEnd(14)} ${what.padEnd(26)} ${detail.padEnd(62)} ${took}`.trimEnd().concat('\n'));
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

function run(args, highest = 0) {
  const result = spawnSync(process.execPath, [slipway, ...args], {
    encoding: 'utf8',
    env: environment,
    maxBuffer: 1 << 28,
    cwd: root,
  });
  if (result.status === null || result.status > highest)
    fail(`slipway ${args.join(' ')} ended with ${result.status}:\n${result.stdout}${result.stderr}`);
  return result;
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}
