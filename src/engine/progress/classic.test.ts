import { expect, it } from 'vitest';
import type { Digest } from '../../images/digest.ts';
import type { BuildEvent } from '../events.ts';
import { ClassicProgress } from './classic.ts';

const id = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const steps = (...texts: string[]): BuildEvent => ({
  kind: 'steps',
  steps: texts.map((text) => ({ text, place: { file: 'Dockerfile', ranges: [] } })),
});
const begun = (vertex: number, step?: number): BuildEvent => ({ kind: 'vertex', id: vertex, name: 'x', step });
const said = (vertex: number, text: string, stream: 'stdout' | 'stderr' = 'stdout'): BuildEvent => ({
  kind: 'output',
  id: vertex,
  stream,
  text,
});
const done = (n: number, status: 'cached' | 'ran' | 'metadata', image?: Digest): BuildEvent => ({
  kind: 'step',
  n,
  status,
  image,
});

function shown(events: BuildEvent[], colours = false) {
  const written: string[] = [];
  const progress = new ClassicProgress((text) => written.push(text), { colours });
  for (const event of events) progress.listen(event);
  const text = () => written.join('');
  return { progress, text };
}

it("writes the old builder's lines", () => {
  const { progress, text } = shown(
    [
      steps('ARG V=1', 'FROM base:$V', 'ENV A=1', 'COPY a /a', 'RUN echo out; echo err >&2'),
      done(0, 'metadata'),
      done(1, 'cached', id('a')),
      done(2, 'metadata', id('b')),
      begun(1, 3),
      done(3, 'cached', id('c')),
      begun(2, 4),
      said(2, 'out\n'),
      said(2, 'err\n', 'stderr'),
      done(4, 'ran', id('d')),
    ],
    true,
  );
  const at = { at: 0, manifest: { mediaType: 'm', digest: id('e'), size: 1 } };
  const image = { id: id('d'), target: at.manifest, ...at };
  progress.built([{ image, tags: ['x', 'host/y:2'], kept: false }]);
  expect(text().replaceAll(/(Running in|container) [0-9a-f]{12}/g, '$1 ID')).toBe(`Step 1/5 : ARG V=1
Step 2/5 : FROM base:$V
 ---> aaaaaaaaaaaa
Step 3/5 : ENV A=1
 ---> bbbbbbbbbbbb
Step 4/5 : COPY a /a
 ---> Using cache
 ---> cccccccccccc
Step 5/5 : RUN echo out; echo err >&2
 ---> Running in ID
out
\u001b[91merr
\u001b[0mRemoving intermediate container ID
 ---> dddddddddddd
Successfully built dddddddddddd
Successfully tagged x:latest
Successfully tagged host/y:2
`);
});

it('shows stages that run side by side one after the other, in the order of the file', () => {
  const { text } = shown([
    steps('FROM scratch', 'RUN first', 'FROM scratch', 'RUN second'),
    begun(1, 1),
    begun(2, 3),
    said(2, 'two\n'),
    done(2, 'cached'),
    done(3, 'ran', id('b')),
    done(0, 'cached'),
    said(1, 'one\n'),
    done(1, 'ran', id('a')),
  ]);
  expect(text().replaceAll(/[0-9a-f]{12}$/gm, 'ID')).toBe(`Step 1/4 : FROM scratch
 ---> 
Step 2/4 : RUN first
 ---> Running in ID
one
Removing intermediate container ID
 ---> ID
Step 3/4 : FROM scratch
 ---> 
Step 4/4 : RUN second
 ---> Running in ID
two
Removing intermediate container ID
 ---> ID
`);
});

it('shows what failed, though its turn had not come', () => {
  const { progress, text } = shown([
    steps('FROM a', 'RUN sleep 9', 'FROM b', 'RUN exit 1'),
    done(0, 'cached', id('a')),
    begun(1, 1),
    begun(2, 3),
    said(2, 'the reason\n'),
    { kind: 'end', id: 2, ms: 1, status: 'error', reason: 'exit code: 1' },
    { kind: 'end', id: 1, ms: 1, status: 'cancelled' },
  ]);
  progress.failed();
  expect(text()).toMatch(
    /Step 2\/4 : RUN sleep 9\nStep 4\/4 : RUN exit 1\n ---> Running in [0-9a-f]{12}\nthe reason\n$/,
  );
});

it('counts the triggers of the base behind its FROM', () => {
  const { text } = shown([steps('FROM base'), { kind: 'step', n: 0, status: 'cached', image: id('a'), triggers: 2 }]);
  expect(text()).toBe('Step 1/1 : FROM base\n# Executing 2 build triggers\n ---> aaaaaaaaaaaa\n');
});

it('says of what runs nothing whether it was known, and whose base was asked for', () => {
  const written: string[] = [];
  const onPulled = ({ name, fresh }: { name: string; fresh: boolean }) => written.push(`<${name} ${fresh}>\n`);
  const progress = new ClassicProgress((each) => written.push(each), { colours: false, onPulled });
  const pulled = { name: 'docker.io/library/base:1', digest: id('f'), fresh: true };
  for (const event of [
    steps('FROM base:1', 'ENV A=1', 'ENV B=2'),
    { kind: 'step', n: 0, status: 'cached', image: id('a'), pulled },
    { ...done(1, 'metadata', id('b')), known: true },
    { ...done(2, 'metadata', id('c')), known: false },
  ] as BuildEvent[])
    progress.listen(event);
  expect(written.join('').replaceAll(/(Running in|container) [0-9a-f]{12}/g, '$1 ID')).toBe(`Step 1/3 : FROM base:1
<docker.io/library/base:1 true>
 ---> aaaaaaaaaaaa
Step 2/3 : ENV A=1
 ---> Using cache
 ---> bbbbbbbbbbbb
Step 3/3 : ENV B=2
 ---> Running in ID
Removing intermediate container ID
 ---> cccccccccccc
`);
});
