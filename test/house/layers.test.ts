import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLayers, readSources, violations } from './layers.ts';

const root = join(import.meta.dirname, '../..');
const layers = readLayers(root);

describe('the direction of imports', () => {
  it('holds for every file of src', () => {
    const files = readSources(root);
    expect(files.length).toBeGreaterThan(20);
    expect(violations(files, layers)).toEqual([]);
  });

  it.each([
    ['an import up', 'src/images/planted.ts', "import { x } from '../engine/engine.ts';", 'engine stands above images'],
    [
      'a lazy import up',
      'src/lib/planted.ts',
      "const x = await import('../builds/run/run-build.ts');",
      'builds stands above lib',
    ],
    [
      'a neighbour in the row',
      'src/dockerfile/planted.ts',
      "import type { X } from '../stores/names/names.ts';",
      'one row',
    ],
    [
      'another door',
      'src/doors/storage/planted.ts',
      "import { x } from '../registry/routes.ts';",
      'no door imports another',
    ],
    ['the FFI elsewhere', 'src/engine/planted.ts', "import koffi from 'koffi';", 'declarations stay in one room'],
    [
      'an adapter below start',
      'src/doors/docker/planted.ts',
      "import { x } from '../../adapters/disk/content.ts';",
      'composition root',
    ],
    ['more of a door than wire', 'src/cli/planted.ts', "import { x } from '../doors/cloudbuild/door.ts';", 'wire.ts'],
    ['too deep', 'src/a/b/c/planted.ts', "import { x } from '../../../lib/log.ts';", 'no deeper than'],
    [
      'a multi-line import up',
      'src/auth/planted.ts',
      "import {\n  a,\n  b,\n} from '../images/digest.ts';",
      'images stands above auth',
    ],
    ['a barrel', 'src/images/index.ts', 'export const x = 1;', 'barrel'],
    ['a long file', 'src/images/long.ts', 'x\n'.repeat(401), '401 lines'],
  ])('finds a planted violation: %s', (_, path, text, why) => {
    const found = violations([{ path, text }], layers);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(why);
  });
});
