import { describe, expect, it } from 'vitest';
import type { Build } from './build.ts';
import { matchesFilter, parseFilter } from './filter.ts';

const build: Build = {
  id: 'b-1',
  name: 'projects/1/locations/global/builds/b-1',
  projectId: 'p1',
  steps: [],
  options: {},
  timeout: '600s',
  queueTtl: '3600s',
  status: 'FAILURE',
  createTime: '2026-05-01T10:00:00.000Z',
  logsBucket: 'gs://l',
  logUrl: 'http://h/builds/b-1',
  tags: ['foo', 'v1'],
  results: { images: [{ name: 'h/p/r/api:latest', digest: 'sha256:aa' }] },
  images: ['h/p/r/api'],
  startTime: '2026-05-01T10:00:01.000Z',
  buildTriggerId: 't-1',
  source: { storageSource: { bucket: 'b', object: 'o.tgz' }, repoSource: { repoName: 'r', branchName: 'main' } },
  sourceProvenance: { resolvedRepoSource: { commitSha: 'c0ffee' } },
};

describe('build filter', () => {
  it.each([
    ['status="FAILURE"', true],
    ['status="WORKING" OR status="QUEUED"', false],
    ['create_time>"2026-01-01T00:00:00.000Z" AND (status!="SUCCESS" AND tags="foo")', true],
    ['create_time>"2026-06-01T00:00:00.000Z" AND tags="foo"', false],
    ['(tags="a" OR tags="foo") AND (status="WORKING" OR status="FAILURE")', true],
    ['(tags="a" OR tags="b") AND status="FAILURE"', false],
    ['status="WORKING" OR status="FAILURE" AND tags="foo"', true],
    ['tags!="foo"', false],
    ['tags!="bar"', true],
    ['finish_time>"2026-01-01T00:00:00Z"', false],
    ['results.images.name="h/p/r/api:latest"', true],
    ['build_id="b-1" project_id="p1"', true],
    ['NOT status="FAILURE"', false],
    ['-tags="x"', true],
    ['createTime<="2026-05-01T12:00:00+02:00"', true],
    ['trigger_id="t-1"', true],
    ['trigger_id!="t-1"', false],
    ['images="h/p/r/api"', true],
    ['results.images.digest="sha256:aa"', true],
    ['source.storage_source.bucket="b" AND source.storage_source.object="o.tgz"', true],
    ['source.repo_source.repo_name="r" AND source.repo_source.branch_name="dev"', false],
    ['source.repo_source.tag_name="v1"', false],
    ['source_provenance.resolved_repo_source.commit_sha="c0ffee"', true],
    ['options.requested_verify_option="NOT_VERIFIED"', true],
    ['start_time>="2026-05-01T10:00:01.000Z" AND start_time<"2026-05-01T10:00:02Z"', true],
    ['(status="WORKING" OR (tags="v1" AND NOT (tags="v2")))', true],
    ['', true],
  ])('%s: %s', (text, expected) => {
    expect(matchesFilter(build, parseFilter(text))).toBe(expected);
  });

  it.each([
    ['statsu="X"', 'filter: unknown key "statsu"'],
    ['status="A" AND', 'filter ends too early'],
    ['(status="A"', 'filter lacks a closing parenthesis'],
    ['status', 'filter: expected KEY="value" near "status"'],
    ['status="A")', 'filter: ")" is one too many'],
    [`${'('.repeat(30)}status="A"${')'.repeat(30)}`, 'filter is nested too deeply'],
    ['constructor="x"', 'filter: unknown key "constructor"'],
  ])('refuses %s', (text, message) => {
    expect(() => parseFilter(text)).toThrow(expect.objectContaining({ message, code: 'invalid' }));
  });
});
