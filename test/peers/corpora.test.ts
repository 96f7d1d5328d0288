import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { hasRunc } from '../cases/image-build/needs.ts';
import type { BuildCase } from './build-case.ts';
import { answerDifferences } from './compare.ts';
import { buildByDocker } from './docker-builds.ts';
import { type DockerDaemon, hasDocker, startDocker } from './docker-daemon.ts';
import { unexplained } from './known-differences.ts';
import { type OurBuilds, openOurBuilds } from './our-builds.ts';

/** Dockerfiles that other builders test themselves by; a checkout doesn't have them. */
const CORPORA = join(import.meta.dirname, '../../../shared/corpora');
const hasCorpora = existsSync(join(CORPORA, 'buildah-bud')) && existsSync(join(CORPORA, 'kaniko-dockerfiles'));

/** Names that stand for our busybox in them. */
const ALIASES = [
  'busybox',
  'alpine',
  'ubuntu',
  'ubuntu:focal',
  'debian:10.13',
  'debian:12',
  'alpine:3.8',
  'busybox:1.31',
];

const BUILDAH = [
  'add-create-absolute-path/Dockerfile',
  'add-create-relative-path/Dockerfile',
  'add-file/Dockerfile',
  'arg-scope/Containerfile.arg-mixed-defaults',
  'arg-scope/Containerfile.copy-from-arg',
  'arg-scope/Containerfile.multiple-args-one-step',
  'arg-scope/Containerfile.multiple-args-stage-overrides-one',
  'arg-scope/Containerfile.stage-overrides-header-copy-from',
  'base-with-labels/Containerfile.multi-stage',
  'cache-chown/Dockerfile.tar1',
  'copy-create-relative-path/Dockerfile',
  'copy-envvar/Containerfile',
  'copy-from-stage-scoped-arg/Containerfile',
  'copy-from/Dockerfile2',
  'copy-globs/Containerfile',
  'copy-multistage-paths/Dockerfile.relative',
  'copy-root/Dockerfile',
  'copy-workdir/Dockerfile.2',
  'dest-final-slash/Dockerfile',
  'dest-symlink-dangling/Dockerfile',
  'hardlink/Dockerfile',
  'layers-squash/Dockerfile.hardlinks',
  'multi-stage-builds/Dockerfile.arg_in_copy',
  'multi-stage-builds/Dockerfile.extended',
  'multi-stage-builds/Dockerfile.mixed',
  'multi-stage-builds/Dockerfile.rebase',
  'multi-stage-builds/Dockerfile.reused2',
];

const KANIKO = [
  'Dockerfile_test_arg_multi',
  'Dockerfile_test_arg_multi_with_quotes',
  'Dockerfile_test_arg_blank_with_quotes',
  'Dockerfile_test_cache_perm',
  'Dockerfile_test_cmd',
  'Dockerfile_test_copy_symlink',
  'Dockerfile_test_deleted_file_cached',
  'Dockerfile_test_env',
  'Dockerfile_test_expose',
  'Dockerfile_test_from_multistage_capital',
  'Dockerfile_test_ignore',
  'Dockerfile_test_issue_647',
  'Dockerfile_test_label',
  'Dockerfile_test_volume',
  'Dockerfile_test_workdir',
  'TestReplaceFolderWithFile',
  'TestReplaceFolderWithLink',
];

function corpusCase(name: string, context: string, file: string): BuildCase {
  return { name, folder: context, context, file, args: { file }, parent: undefined, equivalent: undefined };
}

const cases = [
  ...BUILDAH.map((path) => {
    const [folder = '', file = ''] = path.split('/');
    return corpusCase(`buildah ${path}`, join(CORPORA, 'buildah-bud/bud', folder), file);
  }),
  ...KANIKO.map((file) => corpusCase(`kaniko ${file}`, join(CORPORA, 'kaniko-dockerfiles'), `dockerfiles/${file}`)),
];

describe.skipIf(!hasDocker || !hasBusybox || !hasRunc || !hasCorpora)("other builders' Dockerfiles", () => {
  let ours: OurBuilds;
  let docker: DockerDaemon;
  beforeAll(async () => {
    ours = await openOurBuilds();
    for (const name of ALIASES) await ours.nameBase(name);
    docker = await startDocker();
    const base = await ours.saveBase(ALIASES.map((name) => (name.includes(':') ? name : `${name}:latest`)));
    const loaded = await docker.docker(['load', '--input', base.path]);
    await base.remove();
    expect(loaded.stderr).toBe('');
  });
  afterAll(async () => {
    await docker?.stop();
    await ours?.close();
  });

  it.each(cases)('$name', async (each) => {
    const theirs = await buildByDocker(docker, 'buildkit', each, ours.base);
    const found = await ours.build(each);
    expect(unexplained(each.name, answerDifferences(theirs, found))).toEqual([]);
  });
});
