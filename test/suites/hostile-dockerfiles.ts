/** Texts that would take a careless compiler for ever, or end it: some megabytes each, or one very long word. */
export const HOSTILE_DOCKERFILES: Record<string, () => string> = {
  'a megabyte in one line': () => `FROM a\nRUN ${'x'.repeat(1 << 20)}`,
  'a line of blanks': () => `FROM a\nRUN x${' '.repeat(65_000)}y`,
  'a directive of blanks': () => `# syntax=a${' '.repeat(65_000)}b\nFROM a`,
  'a megabyte of continued lines': () => `FROM a\nRUN x ${'\\\n y'.repeat(250_000)}`,
  'words on 100,000 continued lines': () =>
    `FROM a\nENV ${Array.from({ length: 100_000 }, (_, i) => `k${i}=v`).join(' \\\n')}`,
  'empty lines inside an instruction': () => `FROM a\nRUN x \\${'\n'.repeat(200_000)}y`,
  '200,000 comments': () => `FROM a\n${'# x\n'.repeat(200_000)}CMD ["x"]`,
  '100,000 instructions': () => `FROM a\n${'LABEL a=b\n'.repeat(100_000)}`,
  '50,000 stages, each on the one before': () =>
    `FROM a AS s0\n${Array.from({ length: 50_000 }, (_, i) => `FROM s${i} AS s${i + 1}\n`).join('')}`,
  '20,000 stages that are all copied from': () =>
    `${Array.from({ length: 20_000 }, (_, i) => `FROM a AS s${i}\n`).join('')}FROM a\n${Array.from({ length: 20_000 }, (_, i) => `COPY --from=s${i} /a /b${i}\n`).join('')}`,
  'undefined variables among many': () =>
    `FROM a\n${Array.from({ length: 10_000 }, (_, i) => `ENV n${i}=$u${i}\n`).join('')}`,
  'long names': () => `FROM a\nARG ${'a'.repeat(60_000)}\nENV b=$${'a'.repeat(59_999)}b`,
  'an unknown flag as long as a line': () => `FROM a\nCOPY --${'f'.repeat(60_000)} a b`,
  'an unknown instruction as long as a line': () => `FROM a\n${'F'.repeat(60_000)} x`,
  'nested substitutions': () => `FROM a\nENV a=${`\${a:-`.repeat(10_000)}${'}'.repeat(10_000)}`,
  'nested arrays': () => `FROM a\nCMD ${'['.repeat(30_000)}${']'.repeat(30_000)}`,
  'an array that never ends': () => `FROM a\nCMD ["${'\\"'.repeat(30_000)}`,
  'an array of 30,000 strings': () => `FROM a\nCMD [${'"a",'.repeat(15_000)}"b"]`,
  'a pattern of runs': () => `FROM a\nENV v=${'a'.repeat(30_000)} w=1\nENV x=\${v//a*a*a*a*a*b/c} y=\${v##*a*a*a*b}`,
  'a pattern that nearly fits everywhere': () =>
    `FROM a\nENV v=${'a'.repeat(30_000)}\nENV x=\${v//aaaaaaaaaaaaaaaaaaab/c}`,
  'quotes that never close': () => `FROM a\nRUN ${`"'`.repeat(30_000)}\nENV a=${`"'`.repeat(20_000)}`,
  'fields of a mount': () => `FROM a\nRUN --mount=type=cache,target=/x${',id=""""'.repeat(6000)} true`,
  'here-documents, one after the other': () => `FROM a\n${'COPY <<E /a\nx\nE\n'.repeat(20_000)}`,
  '10,000 here-documents in one line': () => `FROM a\nCOPY ${'<<E '.repeat(10_000)} /a\n${'E\n'.repeat(10_000)}`,
  ports: () => `FROM a\n${'EXPOSE 1-65535\n'.repeat(20)}`,
  'a reference of dots': () => `FROM ${'a.'.repeat(30_000)}/x`,
  'a reference of dashes': () => `FROM ${'a-'.repeat(30_000)}`,
  'a reference of colons': () => `ARG A\nFROM $A${':a'.repeat(30_000)}/`,
  'a mode of many parts': () => `FROM a\nCOPY --chmod=${'u+x,'.repeat(15_000)}! a b`,
};

/** Ignore files and the path that is asked about. */
export const HOSTILE_PATTERNS: Record<string, () => [rules: string, path: string]> = {
  stars: () => [`${'*a'.repeat(1000)}b`, 'a'.repeat(4000)],
  'double stars': () => [`${'**/'.repeat(1000)}b`, 'a/'.repeat(2000)],
  'stars and question marks': () => [`${'*?'.repeat(1000)}b`, 'a'.repeat(4000)],
  'a class as long as a line': () => [`[${'a-z'.repeat(20_000)}]b`, 'x'.repeat(1000)],
  '20,000 rules': () => [Array.from({ length: 20_000 }, (_, i) => `${i % 2 ? '!' : ''}**/x${i}*`).join('\n'), 'a/b/c'],
};
