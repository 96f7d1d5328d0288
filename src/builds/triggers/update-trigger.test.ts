import { expect, it } from 'vitest';
import { patched } from './update-trigger.ts';

const stored = {
  id: 'x',
  name: 't',
  description: 'old',
  github: { owner: 'o', name: 'n', push: { branch: 'main' } },
  substitutions: { _A: '1' },
};

it('changes what the mask names, in either spelling, and clears what is not given', () => {
  expect(patched(stored, { description: 'x', name: 'no' }, 'description')).toEqual({ ...stored, description: 'x' });
  expect(patched(stored, {}, 'description,substitutions')).not.toHaveProperty('description');
  expect(patched(stored, { substitutions: { _B: '2' } }, 'substitutions').substitutions).toEqual({ _B: '2' });
  expect(
    patched(stored, { gitFileSource: { path: 'a', repoType: 'GITLAB' } }, 'git_file_source.path').gitFileSource,
  ).toEqual({ path: 'a' });
  expect(patched(stored, { id: 'y' }, 'id')).toEqual(stored);
});

it('keeps one of the fields that exclude each other', () => {
  const { github } = patched(stored, { github: { push: { tag: 'v.*' } } }, 'github.push.tag');
  expect(github).toEqual({ owner: 'o', name: 'n', push: { tag: 'v.*' } });
  expect(patched({ filename: 'a' }, { autodetect: true }, 'autodetect')).toEqual({ autodetect: true });
});

it('is the whole trigger without a mask', () => {
  expect(patched(stored, { filename: 'b' }, undefined)).toEqual({ name: 't', filename: 'b' });
});

it('reaches no prototype', () => {
  expect(() => patched(stored, {}, '__proto__.polluted')).toThrow('names no fields');
  patched(stored, { constructor: { prototype: { polluted: 1 } } }, 'constructor.prototype.polluted');
  expect({}).not.toHaveProperty('polluted');
});
