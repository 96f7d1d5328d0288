import { posix } from 'node:path';
import type { BuildStepRequest } from '../../builds/request/request.ts';
import type { BuildConfig } from './build-config.ts';
import type { CiConfig } from './ci-config.ts';
import { type DockerCall, pathIn, readDockerBuild } from './docker-call.ts';
import { shellCommands } from './shell-commands.ts';

const SHELLS = new Set(['bash', 'sh', '/bin/bash', '/bin/sh', 'ash', '/bin/ash']);

/** Whether a step is docker's own command line and nothing else. */
export function isDockerStep(step: BuildStepRequest): boolean {
  const name = (step.name ?? '').split('@', 1)[0]?.replace(/:[^/:]*$/, '');
  const docker = name === 'gcr.io/cloud-builders/docker' || name === 'docker' || name === 'docker.io/library/docker';
  return docker && step.script === undefined && ['docker', '/usr/bin/docker', undefined].includes(step.entrypoint);
}

/** The builds of a config: docker's builder, kaniko's arguments, and shell scripts with `docker build` in them. */
export function callsOfConfig({ read }: BuildConfig): DockerCall[] {
  if (read === undefined) return [];
  const steps = read.triggered.request.steps ?? [];
  return steps.flatMap((step, index) => {
    const folder = pathIn('.', step.dir ?? '.');
    const place = (path: (string | number)[]) => read.config.placeOf(['steps', index, ...path]);
    if (isDockerStep(step)) {
      const words = step.args?.[0] === 'docker' ? step.args.slice(1) : (step.args ?? []);
      const call = readDockerBuild(words, folder);
      return call === undefined ? [] : [{ from: 'cloudbuild' as const, place: place(['args']), ...call }];
    }
    if (/\/kaniko-project\/executor(?::|@|$)/.test(step.name ?? '')) return [kanikoCall(step, place(['args']))];
    const script = step.script ?? scriptOf(step);
    return script === undefined
      ? []
      : callsOfScript(script, folder).map((call) => ({
          from: 'cloudbuild' as const,
          place: place(['script']),
          ...call,
        }));
  });
}

export function callsOfCi(ci: CiConfig): DockerCall[] {
  // what a job changes its folder to holds for the lines that follow, too
  const moved = new Set(ci.commands.filter(({ text }) => changesFolder(text)).map(({ job }) => job));
  return ci.commands.flatMap(({ job, text, place }) =>
    callsOfScript(text, moved.has(job) ? undefined : '.').map((call) => ({ from: 'ci' as const, place, ...call })),
  );
}

function callsOfScript(script: string, folder: string | undefined) {
  const known = changesFolder(script) ? undefined : folder;
  return shellCommands(script).flatMap(({ words }) => {
    const at = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word) && word !== 'sudo' && word !== 'time');
    if (words[at] !== 'docker') return [];
    const call = readDockerBuild(words.slice(at + 1), known);
    return call === undefined ? [] : [call];
  });
}

function changesFolder(script: string): boolean {
  return /(?:^|[\s;&|(])(?:cd|pushd)\s/.test(script);
}

/** The text behind `-c` of a shell. */
function scriptOf({ entrypoint, args = [] }: BuildStepRequest): string | undefined {
  const words = entrypoint === undefined ? args : [entrypoint, ...args];
  const flag = words.findIndex((word) => /^-[a-z]*c$/.test(word));
  return SHELLS.has(words[0] ?? '') && flag > 0 ? words[flag + 1] : undefined;
}

function kanikoCall(step: BuildStepRequest, place: DockerCall['place']): DockerCall {
  const args = step.args ?? [];
  const values = (flag: string) =>
    args.flatMap((arg, at) =>
      arg === flag ? [args[at + 1] ?? ''] : arg.startsWith(`${flag}=`) ? [arg.slice(flag.length + 1)] : [],
    );
  const context = pathIn('.', (values('--context')[0] ?? values('-c')[0] ?? '.').replace(/^dir:\/\//, ''));
  const file = values('--dockerfile')[0] ?? values('-f')[0];
  const inContext = file === undefined ? undefined : pathIn(context, file);
  return {
    from: 'cloudbuild',
    place,
    context,
    dockerfile:
      file === undefined ? (context === undefined ? undefined : posix.join(context, 'Dockerfile')) : inContext,
    tags: [...values('--destination'), ...values('-d')],
    buildArgs: new Map(
      values('--build-arg').map((pair) => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
    ),
    partial: false,
  };
}
