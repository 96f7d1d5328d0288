import { describe, expect, it } from 'vitest';
import { Problem, placeLabel } from '../../lib/problem.ts';
import { parseConfigFile } from './config-file.ts';

const LESSON = `steps:
  - id: "pull-latest-container"
    name: 'gcr.io/cloud-builders/docker'
    args: ['pull', '\${_REPO_PATH}/\${_REPO_NAME}/api:latest']
    allowFailure: true
substitutions:
  _REPO_PATH: 'europe-central2-docker.pkg.dev/p'
`;

function complaint(text: string): { message: string; at: string; hint: string | undefined } {
  try {
    parseConfigFile(text, 'cloudbuild.yaml');
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {
      message: error.message,
      at: error.place === undefined ? '' : placeLabel(error.place),
      hint: error.hint,
    };
  }
  throw new Error('no complaint');
}

describe('parseConfigFile', () => {
  it("reads the lesson's file and knows where its values stand", () => {
    const { request, placeOf } = parseConfigFile(LESSON, 'cloudbuild.yaml');
    expect(request.steps?.[0]?.allowFailure).toBe(true);
    expect(request.steps?.[0]?.args?.[0]).toBe('pull');
    expect(placeLabel(placeOf(['steps', 0, 'args', 1]))).toBe('cloudbuild.yaml:4:20');
    expect(placeLabel(placeOf(['substitutions', '_REPO_PATH']))).toBe('cloudbuild.yaml:7:15');
  });

  it('takes snake_case, a single value for a list, and leaves the words of substitutions alone', () => {
    const { request } = parseConfigFile(
      'steps: [{name: a, id: x}, {name: b, wait_for: "-", allow_failure: true}]\nsubstitutions: {_a_b: c}\n',
      'cloudbuild.yaml',
    );
    expect(request.steps?.[1]).toEqual({ name: 'b', waitFor: ['-'], allowFailure: true });
    expect(request.substitutions).toEqual({ _a_b: 'c' });
  });

  it('reads JSON with tabs', () => {
    const { request } = parseConfigFile(
      '{\n\t"steps": [\n\t\t{"name": "busybox", "args": ["true"]}\n\t]\n}\n',
      'c.json',
    );
    expect(request.steps?.[0]?.args).toEqual(['true']);
  });

  it.each([
    [
      'unknown field',
      'steps:\n- name: a\n  waitfor: [x]\n',
      {
        message: 'unknown field "waitfor" in steps[0]',
        at: 'cloudbuild.yaml:3:3',
        hint: 'Did you mean waitFor?',
      },
    ],
    ['unknown field at the top', 'stepz: []\n', { message: 'unknown field "stepz"', hint: 'Did you mean steps?' }],
    ['number for text', 'steps:\n- name: a\n  args: [1]\n', { at: 'cloudbuild.yaml:3:10' }],
    ['text for true', 'steps:\n- name: a\n  allowFailure: maybe\n', { at: 'cloudbuild.yaml:3:17' }],
    ['unknown word of a list', 'options:\n  logging: LOUD\n', { at: 'cloudbuild.yaml:2:12' }],
    ['source', 'steps: [{name: a}]\nsource: {storageSource: {bucket: b, object: o}}\n', { at: 'cloudbuild.yaml:2:1' }],
    ['no map', '- a\n', { message: 'cloudbuild.yaml holds no build: a map with `steps` is expected' }],
    ['broken YAML', 'steps: [\n', { at: 'cloudbuild.yaml:2:1' }],
    [
      'a key twice',
      'steps: [{name: a}]\ntimeout: 1s\ntimeout: 2s\n',
      { message: 'cloudbuild.yaml: the key "timeout" stands twice in one map', at: 'cloudbuild.yaml:3:1' },
    ],
    [
      'two documents',
      'steps: [{name: a}]\n---\nsteps: []\n',
      { message: expect.stringContaining('more than one document'), at: 'cloudbuild.yaml:2:1' },
    ],
    [
      'a number for seconds',
      'steps: [{name: a}]\ntimeout: 1200\n',
      { at: 'cloudbuild.yaml:2:10', hint: 'Write 1200s.' },
    ],
    ['a map for env', 'steps:\n- name: a\n  env:\n    A: b\n', { hint: 'Write "A=b".' }],
    [
      'a colon in an arg',
      'steps:\n- name: a\n  args: [a: b]\n',
      { hint: 'A colon and a space make a map of it; put it in quotes: "a: b".' },
    ],
    ['a machine in small letters', 'options: {machineType: e2-highcpu-8}\n', { at: 'cloudbuild.yaml:1:24' }],
    [
      '__proto__ among substitutions',
      'steps: [{name: a}]\nsubstitutions: {"__proto__": x}\n',
      { message: 'unknown field "__proto__" in substitutions' },
    ],
    ['__proto__', 'steps: [{name: a}]\n"__proto__": {x: y}\n', { message: 'unknown field "__proto__"' }],
  ])('%s', (_, text, expected) => {
    expect(complaint(text)).toMatchObject(expected);
  });

  it('reads what people write: nothing behind a key, yes and no, output fields, a byte order mark, anchors', () => {
    const { request } = parseConfigFile(
      '\uFEFFsteps:\r\n- &a\r\n  name: x\r\n  env:\r\n  allow_failure: yes\r\n  status: SUCCESS\r\n- <<: *a\r\n  id: b\r\nimages:\r\nid: abc\r\nsubstitutions: {_A: , _B: ""}\r\n',
      'cloudbuild.yaml',
    );
    expect(request).toEqual({
      steps: [
        { name: 'x', allowFailure: true },
        { name: 'x', allowFailure: true, id: 'b' },
      ],
      substitutions: { _A: '', _B: '' },
    });
  });

  it('points at a word in a value of many lines', () => {
    const { placeOf } = parseConfigFile(
      'steps:\n- name: a\n  args:\n  - |\n    echo $$FOO\n    echo $FOOD $FOO\n',
      'c.yaml',
    );
    expect(placeLabel(placeOf(['steps', 0, 'args', 0], '$FOO'))).toBe('c.yaml:6:16');
    expect(placeOf(['steps', 0, 'args', 0]).ranges).toMatchObject([{ line: 4, endLine: 4 }]);
  });
});
