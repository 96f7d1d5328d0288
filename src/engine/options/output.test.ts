import { describe, expect, it } from 'vitest';
import { parseOutput } from './output.ts';

describe('--output', () => {
  it.each<[string, ReturnType<typeof parseOutput>]>([
    ['out', { kind: 'local', dest: 'out' }],
    ['-', { kind: 'tar', dest: '-', names: [] }],
    ['type=local,dest=out/files', { kind: 'local', dest: 'out/files' }],
    ['type=tar', { kind: 'tar', dest: '-', names: [] }],
    ['type=oci,dest=a.tar,name=x:1', { kind: 'oci', dest: 'a.tar', names: ['x:1'] }],
    ['type=docker,dest=a.tar,"name=x:1,y:2"', { kind: 'docker', dest: 'a.tar', names: ['x:1', 'y:2'] }],
    ['type=image,push=true,name=x', { kind: 'image', push: true, names: ['x'] }],
    ['type=image', { kind: 'image', push: false, names: [] }],
    ['type=registry', { kind: 'image', push: true, names: [] }],
    ['type=tar,dest=a,rewrite-timestamp=true', { kind: 'tar', dest: 'a', names: [] }],
  ])('reads %s', (text, expected) => expect(parseOutput(text)).toEqual(expected));

  it.each([
    ['type=zip', 'type=zip'],
    ['type=local', 'dest is missing'],
    ['type=local,dest=-', 'has to be a folder'],
    ['type=tar,dest=', 'dest is missing'],
    ['type=tar,push=true', 'only an image can be pushed'],
    ['type=image,dest=a', 'not written to a file'],
    ['type=image,push=yes', 'push=yes'],
    ['type=oci,compression=zstd', 'unknown key "compression"'],
    ['type=oci,rewrite-timestamp=false', 'SOURCE_DATE_EPOCH'],
  ])('refuses %s', (text, message) => expect(() => parseOutput(text)).toThrow(message));
});
