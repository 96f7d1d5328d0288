export type Colour = 'blue' | 'red' | 'yellow' | 'dim';

export type Paint = (colour: Colour, text: string) => string;

/** SGR parameters (ECMA-48, 8.3.117). */
const CODES: Record<Colour, string> = { blue: '34', red: '31', yellow: '33', dim: '2' };

/** Colours a whole line; every colour here only repeats what a word of the line says. */
export function paintWith(colours: boolean): Paint {
  return colours ? (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[0m` : (_, text) => text;
}
