import type { ArgInstruction, PairsInstruction } from '../instructions/instruction.ts';
import type { Word } from '../lex/nodes.ts';
import type { Remark } from './warnings.ts';

const SECRET = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const HARMLESS = /(?:^|_)(?:public|file|version)(?:_|$)/i;

/** Whether a variable of this name probably holds something that nobody else may read. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name) && !HARMLESS.test(name);
}

/** SecretsUsedInArgOrEnv. */
export function checkSecrets(instruction: ArgInstruction | PairsInstruction, remark: Remark): void {
  const { node } = instruction;
  const named: { name: string; word: Word }[] =
    instruction.kind === 'arg' ? instruction.args : instruction.pairs.map(({ key }) => ({ name: key.text, word: key }));
  for (const { name, word } of named) {
    if (!isSecretName(name)) continue;
    const id = name.toLowerCase();
    remark(
      'SecretsUsedInArgOrEnv',
      `Do not use ARG or ENV instructions for sensitive data (${node.name} ${JSON.stringify(name)})`,
      [word.range],
      {
        text: `Mount it where it is needed, RUN --mount=type=secret,id=${id},env=${name} ..., and pass it with --secret id=${id},env=${name}`,
      },
    );
  }
}
