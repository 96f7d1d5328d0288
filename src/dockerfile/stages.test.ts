import { describe, expect, it } from 'vitest';
import { compile } from '../../test/suites/compile-dockerfile.ts';

const FILE = `ARG BASE=python
FROM $BASE:3 AS deps
FROM scratch AS unused
FROM node:20 AS web
FROM deps AS app
COPY --from=web /dist /dist
RUN --mount=from=nginx:1,target=/n true
FROM app AS test
FROM app`;

function stagesFor(file: string, target?: string): number[] {
  return compile(file, { target }).plan.stages.map((stage) => stage.index);
}

describe('stages', () => {
  it('plans what the target needs, in the order of the file', () => {
    expect(stagesFor(FILE)).toEqual([0, 2, 3, 5]);
    expect(stagesFor(FILE, 'app')).toEqual([0, 2, 3]);
    expect(stagesFor(FILE, 'UNUSED')).toEqual([1]);
    expect(stagesFor(FILE, '2')).toEqual([2]);
  });

  it('tells bases and sources apart', () => {
    const { plan } = compile(FILE);
    expect(plan.stages.map(({ base }) => (base.kind === 'image' ? base.reference : base))).toEqual([
      'python:3',
      'node:20',
      { kind: 'stage', index: 0 },
      { kind: 'stage', index: 3 },
    ]);
    expect(plan.stages.map((stage) => stage.needs)).toEqual([[], [], [2], []]);
    expect(plan.stages.map((stage) => stage.fromOnly)).toEqual([true, true, false, false]);
  });

  it('takes sources by number, and by the nearest name above', () => {
    const file = 'FROM a AS x\nFROM b AS x\nFROM c AS y\nCOPY --from=x /1 /1\nCOPY --from=0 /2 /2\nCOPY --from=X /3 /3';
    const { plan } = compile(file);
    expect(plan.stages.at(-1)?.needs).toEqual([0, 1]);
    expect(plan.warnings.map((warning) => warning.rule)).toEqual(['DuplicateStageName']);
  });

  it('takes a name that only a later stage has for an image, and says so', () => {
    const { plan } = compile('FROM tools AS one\nFROM debian AS tools\nFROM one');
    expect(plan.stages[0]?.base).toMatchObject({ kind: 'image', reference: 'tools' });
    expect(plan.warnings.map((warning) => warning.rule)).toEqual(['ForwardStageReference']);
  });

  it('suspects a name that is nearly a stage’s', () => {
    const { plan } = compile('FROM a AS build\nFROM b\nCOPY --from=biuld /x /x');
    expect(plan.warnings[0]?.message).toBe('--from=biuld means an image: no stage has that name (did you mean build?)');
  });

  it('lets a stage have the name of its own image', () => {
    const { plan } = compile('FROM python AS python\nFROM python');
    expect(plan.stages.map((stage) => stage.base.kind)).toEqual(['image', 'stage']);
    expect(plan.warnings).toEqual([]);
  });

  it('does not mind mistakes in stages that nobody needs', () => {
    expect(stagesFor('FROM $NOTHING AS broken\nFROM debian')).toEqual([1]);
  });

  it('counts the build arguments that no ARG takes', () => {
    const buildArgs = { BASE: 'x', OTHER: 'y', BASSE: 'y', HTTP_PROXY: 'z', BUILDKIT_INLINE_CACHE: '1' };
    expect(compile(FILE, { buildArgs }).plan.unusedBuildArgs).toEqual([
      { name: 'OTHER', meant: undefined },
      { name: 'BASSE', meant: 'BASE' },
    ]);
  });

  it('lets global ARGs use those above them and the platform', () => {
    const file = 'ARG V=3\nARG TAG=$V-$TARGETARCH\nFROM a:$TAG';
    const [stage] = compile(file, { buildArgs: { V: '4' } }).plan.stages;
    expect(stage?.base).toMatchObject({ reference: 'a:4-amd64' });
  });

  it('is silent about rules that the file skips', () => {
    expect(compile('# check=skip=DuplicateStageName\nFROM a AS x\nFROM a AS x').plan.warnings).toEqual([]);
    expect(compile('# check=skip=all\nFROM a\nENV A b\nCMD x\nCMD y').program.warnings).toEqual([]);
  });
});
