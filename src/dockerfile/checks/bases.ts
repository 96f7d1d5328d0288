import { formatPlatform, type Platform } from '../../images/platform.ts';
import { parseReference } from '../../images/reference.ts';
import { didYouMean, nearest } from '../../lib/nearest.ts';
import { type Expansion, expand } from '../expand.ts';
import type { GlobalScope } from '../global-scope.ts';
import type { FromInstruction } from '../instructions/instruction.ts';
import { nameEdit, rangeWithin, type Word } from '../lex/nodes.ts';
import { type Edit, fixBy } from './fix.ts';
import type { Remark } from './warnings.ts';

/** UndefinedArgInFrom, of the image or the platform of a FROM. */
export function checkFromVariables(
  { node }: FromInstruction,
  word: Word,
  { references }: Expansion,
  globals: GlobalScope,
  remark: Remark,
): void {
  for (const { name, start, end, guarded } of references) {
    if (globals.has(name) || guarded) continue;
    const meant = nearest(name, globals.keys());
    remark(
      'UndefinedArgInFrom',
      `FROM argument '${name}' is not declared${didYouMean(name, globals.keys())}`,
      [rangeWithin(node, word, start, end)],
      meant === undefined
        ? { text: `Declare it above the first FROM, with a default: ARG ${name}=...` }
        : fixBy(`Write ${meant}`, nameEdit(node, word, start, name, meant)),
    );
  }
}

/** InvalidDefaultArgInFrom: whether FROM names an image when nobody gives build arguments. */
export function checkDefaultArgs(
  { node, image }: FromInstruction,
  defaults: GlobalScope,
  escapeToken: string,
  remark: Remark,
): void {
  if (!image.text.includes('$')) return;
  let expansion: Expansion;
  try {
    expansion = expand(image.text, (name) => defaults.get(name), { escape: escapeToken });
  } catch {
    return; // `${V:?}` asks for the argument, and a bad expression is said to be one elsewhere
  }
  const used = expansion.references.map(({ name }) => name);
  if (used.length === 0 || used.some((name) => !defaults.has(name)) || namesImage(expansion.text)) return;
  const bare = [...new Set(used)].filter((name) => (defaults.get(name) ?? '') === '');
  remark(
    'InvalidDefaultArgInFrom',
    `Default value for ARG ${image.text} results in empty or invalid base image name`,
    [rangeWithin(node, image, 0, image.text.length)],
    {
      text:
        bare.length === 0
          ? `Without --build-arg it is ${JSON.stringify(expansion.text)}: change the defaults`
          : `Give a default that works: ${bare.map((name) => `ARG ${name}=...`).join(', ')}`,
    },
  );
}

function namesImage(text: string): boolean {
  if (text === 'scratch') return true;
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

/** RedundantTargetPlatform, FromPlatformFlagConstDisallowed. */
export function checkFromPlatform(
  from: FromInstruction,
  { text, references }: Expansion,
  platform: Platform,
  target: string | undefined,
  remark: Remark,
): void {
  const written = from.platform?.text ?? '';
  const [only] = references;
  const flag = from.node.flags[0];
  if (flag === undefined) return;
  if (references.length === 1 && only?.name === 'TARGETPLATFORM' && text === target)
    remark(
      'RedundantTargetPlatform',
      `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`,
      [flag.range],
      { text: 'Leave --platform out', edits: [withoutFlag(from)] },
    );
  if (references.length > 0 || namesPlatform(from.name ?? '', platform)) return;
  remark(
    'FromPlatformFlagConstDisallowed',
    `FROM --platform flag should not use constant value "${written}"`,
    [flag.range],
    {
      text: `Leave it out and build with --platform ${formatPlatform(platform)}, or name the stage after its platform: AS ${from.name ?? 'build'}-${platform.architecture}`,
    },
  );
}

/** A stage that is named after its platform is one of several, among which a variable chooses. */
function namesPlatform(stage: string, { os, architecture, variant }: Platform): boolean {
  return [os, architecture, variant].some((part) => part !== undefined && stage.includes(part));
}

/** The flag and the blanks behind it. */
function withoutFlag({ node, image }: FromInstruction): Edit {
  const flag = node.flags[0]?.range ?? node.nameRange;
  return {
    range: { line: flag.line, column: flag.column, endLine: image.range.line, endColumn: image.range.column },
    text: '',
  };
}
