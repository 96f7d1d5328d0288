// npm run demo: the main job on the embedded default, from a server that it starts to an image that answers. The server
// goes on running, so that the commands it prints at the end work.
//   npm run demo                  everything
//   npm run demo -- --stop        ends the server
//   npm run demo -- --stop-all    ends the server and the registry that plays Docker Hub
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopUpstream } from './bases/upstream.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const slipway = join(root, 'bin/slipway');
const data = process.env.SLIPWAY_DATA ?? join(root, '.slipway');
const environment = { ...process.env, SLIPWAY_DATA: data };
const API = 'europe-central2-docker.pkg.dev/demo/live-coding/api';

const flag = process.argv[2];
if (flag === undefined) await demo();
else if (flag === '--stop') await stopServer();
else if (flag === '--stop-all') {
  await stopServer();
  stopUpstream();
} else {
  process.stderr.write(`error: npm run demo does not know ${flag}\n\n  There is --stop and --stop-all.\n`);
  process.exit(2);
}

async function demo() {
  const url = await ensureServer();
  line('Server', url, `data in ${relative(process.cwd(), data) || data}`);
  process.stdout.write('\n');
  const example = /^example (.*)$/m.exec(run(['seed'], ['ignore', 'pipe', 'inherit']).stdout)?.[1];
  if (example === undefined) fail('the seed printed no example');
  const commit = spawnSync('git', ['-C', example, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  const first = build(example, commit);
  showSteps(first);
  const again = build(example, commit);
  showAgain(first, again);
  process.stdout.write('\n');
  run(['history', API], ['ignore', 'inherit', 'inherit']);
  process.stdout.write(`
Both runs       ${seconds(first.ms)} and ${seconds(again.ms)}, from submit to the last line of the log

Next
  eval "$(bin/slipway env)"                     gcloud, gsutil and docker now talk to it
  cd ${example}
  gcloud builds submit --region=europe-central2 \\
    --config=deploy/docker/api/cloudbuild.yaml --async

  bin/slipway builds list                       what was built
  bin/slipway history ${API}
  npm run demo -- --stop                        ends the server
`);
}

/** A server that runs already is used. */
async function ensureServer() {
  const running = status();
  if (running !== undefined) return running.url;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const log = join(data, 'server.log');
  const first = await startServer(log, []);
  if (first !== undefined) return first;
  const why = readFileSync(log, 'utf8');
  const taken = /^error: (\S+) is taken by another process$/m.exec(why)?.[1];
  if (taken === undefined) fail(`the server did not start:\n${why}`);
  process.stdout.write(`${taken} is taken by another process; this server gets a free port.\n`);
  return (
    (await startServer(log, ['--listen', '127.0.0.1:0'])) ?? fail(`it did not start:\n${readFileSync(log, 'utf8')}`)
  );
}

/** The URL when it answers, or nothing when it ended before. */
async function startServer(log, flags) {
  const output = openSync(log, 'w', 0o600);
  const child = spawn(process.execPath, [slipway, 'serve', '--data', data, ...flags], {
    detached: true,
    stdio: ['ignore', output, output],
    env: environment,
  });
  child.unref();
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const ready = /^ready (http:\S+)$/m.exec(readFileSync(log, 'utf8'))?.[1];
    if (ready !== undefined) return ready;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

function status() {
  const answer = spawnSync(process.execPath, [slipway, 'status', '--json'], { encoding: 'utf8', env: environment });
  return answer.status === 0 ? JSON.parse(answer.stdout) : undefined;
}

async function stopServer() {
  const running = status();
  if (running === undefined) return;
  process.kill(running.pid, 'SIGTERM');
  for (let tries = 0; tries < 200 && existsSync(`/proc/${running.pid}`); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  rmSync(join(data, 'server.log'), { force: true });
}

function build(example, commit) {
  const started = Date.now();
  const config = join(example, 'deploy/docker/api/cloudbuild.yaml');
  const args = ['submit', example, '--config', config, '--substitutions', `_COMMIT_SHA=${commit}`, '--json'];
  const { stdout, stderr } = run(args, ['ignore', 'pipe', 'pipe'], 1);
  const ms = Date.now() - started;
  const start = stdout.indexOf('{');
  if (start < 0) fail(`submit printed no build:\n${stderr}`);
  const build = JSON.parse(stdout.slice(start));
  if (build.status !== 'SUCCESS') fail(`the build ended as ${build.status}:\n${stderr}`);
  const steps = build.steps.map((step, index) => ({ ...step, said: saidBy(stderr, step, index) }));
  return { steps, images: build.results?.images ?? [], ms };
}

/** What a step wrote to the log, without the prefix. */
function saidBy(log, { id }, index) {
  const prefix = `Step #${index} - "${id}": `;
  return log
    .split('\n')
    .filter((text) => text.startsWith(prefix))
    .map((text) => text.slice(prefix.length));
}

function showSteps({ steps, images, ms }) {
  for (const [index, step] of steps.entries()) {
    const { startTime, endTime } = step.timing ?? {};
    const took = endTime === undefined ? '' : seconds(Date.parse(endTime) - Date.parse(startTime));
    const what = step.status === 'SUCCESS' ? deedOf(step) : 'not there yet; allowed to fail';
    line(index === 0 ? 'api' : '', `#${index} ${step.id}`, what, took);
  }
  const [image] = images;
  if (image !== undefined) process.stdout.write(`        ${image.digest}\n`);
  line('', 'the whole build', '', seconds(ms));
}

/** In a few words what a step did; of one that the demo doesn't know, the last thing that it said. */
function deedOf({ args = [], said }) {
  const cached = said.filter((text) => /^#\d+ CACHED/.test(text)).length;
  const operations = said.filter((text) => /^#\d+ \[\d+\/\d+\] /.test(text)).length;
  if (args[0] === 'cp') return `${args[1]?.split('/').at(-1)} from its bucket`;
  if (args[0] === 'build') return `${operations} operations, ${cached} from the cache`;
  if (args[0] === 'pull') return 'there';
  if (args[0] === 'push') return tagsOf(said).join(', ');
  return (said.at(-1) ?? '').replace('POST /predict -> ', 'it predicts ').slice(0, 31);
}

function tagsOf(said) {
  return said.flatMap((text) => /^(\S+): digest: /.exec(text)?.[1] ?? []).map((tag) => `api:${tag}`);
}

function showAgain(first, again) {
  const made = again.steps.flatMap(({ said }) => said.filter((text) => /^#\d+ DONE/.test(text))).length;
  const cached = again.steps.flatMap(({ said }) => said.filter((text) => /^#\d+ CACHED/.test(text))).length;
  const same = first.images[0]?.digest === again.images[0]?.digest;
  const what = same
    ? `the same digest, ${cached} operations from the cache`
    : `another digest: ${made} done, ${cached} cached`;
  process.stdout.write(`${'again'.padEnd(15)} ${what.padEnd(56)} ${seconds(again.ms).padStart(6)}\n`);
}

/** Four columns of 80. */
function line(title, what, detail = '', took = '') {
  process.stdout.write(
    `${`${title.padEnd(15)} ${what.padEnd(24)} ${detail.padEnd(31)}`.padEnd(72)} ${took.padStart(6)}`
      .trimEnd()
      .concat('\n'),
  );
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

function run(args, stdio, highest = 0) {
  const result = spawnSync(process.execPath, [slipway, ...args], {
    encoding: 'utf8',
    env: environment,
    maxBuffer: 1 << 28,
    cwd: root,
    stdio,
  });
  if (result.status === null || result.status > highest)
    fail(`slipway ${args.join(' ')} ended with ${result.status}:\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  return result;
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}
