import { Problem } from '../../lib/problem.ts';
import type { ContextSource, NamedContext } from '../request.ts';

/**
 * What the context argument of a build means: docker takes everything that looks like a repository or an address for one,
 * and all else for a folder. `-` is the caller's to read, because only it has the standard input.
 */
export function parseContext(text: string): ContextSource {
  return isRemoteContext(text) ? { kind: 'url', url: text } : { kind: 'folder', path: text };
}

export function isRemoteContext(text: string): boolean {
  return /^(?:https?|git|ssh):\/\/|^git@|^github\.com\//.test(text);
}

/** `--build-context NAME=VALUE`. @throws Problem `invalid` */
export function parseNamedContext(text: string): [name: string, source: NamedContext] {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).toLowerCase();
  const value = text.slice(equals + 1);
  if (name === '' || value === '')
    throw new Problem('invalid', `--build-context ${text}: NAME=VALUE is expected`, {
      hint: 'VALUE is a folder, docker-image://IMAGE, oci-layout://FOLDER[:TAG], or the address of a repository or archive.',
    });
  if (value.startsWith('docker-image://')) return [name, { kind: 'image', reference: value.slice(15) }];
  if (value.startsWith('oci-layout://')) return [name, layoutOf(value.slice(13))];
  if (value.startsWith('target:'))
    throw new Problem('unsupported', `--build-context ${text}: a target of another file`, {
      hint: 'Build that target first, and give its image as docker-image://.',
    });
  return [name, parseContext(value)];
}

function layoutOf(text: string): NamedContext {
  const at = text.lastIndexOf('@');
  if (at > 0) return { kind: 'layout', path: text.slice(0, at), reference: text.slice(at + 1) };
  const colon = text.lastIndexOf(':');
  if (colon > text.lastIndexOf('/'))
    return { kind: 'layout', path: text.slice(0, colon), reference: text.slice(colon + 1) };
  return { kind: 'layout', path: text };
}
