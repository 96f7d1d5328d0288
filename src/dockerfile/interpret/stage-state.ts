import type { RunConfig } from '../../images/config.ts';
import type { Range } from '../../lib/problem.ts';
import type { Edit } from '../checks/fix.ts';
import { checkUndefined } from '../checks/variables.ts';
import { type Remark, remarker, type Warning } from '../checks/warnings.ts';
import { placeOf } from '../complaint.ts';
import { expand } from '../expand.ts';
import { type Node, nameEdit, rangeWithin, type Word } from '../lex/nodes.ts';
import type { BaseState, BuildInputs, Operation, ProgramHistory, Stage } from '../program.ts';

/** BuildKit's default for images that bring none. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Among more variables nothing is suggested: finding the nearest takes as long as there are. */
const MOST_KNOWN = 500;

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** What the instructions of a stage have made so far, and what a word means at this point of it. */
export class StageState {
  readonly stage: Stage;
  readonly inputs: BuildInputs;
  readonly config: RunConfig;
  readonly env = new Map<string, string>();
  /** Declared ARGs in the order of their declaration; without a value when none is known. */
  readonly args = new Map<string, string | undefined>();
  /** Those of this stage, without the ones that its parent stage left visible: RUN names them in the history. */
  readonly ownArgs = new Set<string>();
  readonly operations: Operation[] = [];
  readonly history: ProgramHistory[] = [];
  readonly warnings: Warning[] = [];
  readonly #remark: Remark;
  author: string | undefined;
  /** CMD was set in this stage, so a later ENTRYPOINT keeps it. */
  cmdSet = false;
  /** WORKDIR was set in this file, by this stage or by one that it stands on. */
  workdirSet: boolean;
  readonly #baseUnknown: boolean;
  /** Set while a trigger of the base runs: its words stand nowhere in the file, its FROM does. */
  #triggerPlace: Range | undefined;

  constructor(stage: Stage, base: BaseState, inputs: BuildInputs) {
    this.stage = stage;
    this.inputs = inputs;
    const { source, checks } = stage.scope;
    this.#remark = remarker(source, checks, (warning) => this.warnings.push(warning));
    this.workdirSet = stage.workdirAbove;
    this.#baseUnknown = base.unknown === true;
    const { OnBuild: _, ...config } = structuredClone(base.config.config ?? {});
    this.config = config;
    for (const pair of config.Env ?? []) {
      const equals = pair.indexOf('=');
      this.env.set(equals < 0 ? pair : pair.slice(0, equals), equals < 0 ? '' : pair.slice(equals + 1));
    }
    if (!this.env.has('PATH')) this.env.set('PATH', DEFAULT_PATH);
    if (stage.base.kind === 'scratch') this.config.WorkingDir ??= '/';
    for (const [name, value] of Object.entries(base.args)) this.args.set(name, value);
    if (base.config.author !== undefined) this.author = base.config.author;
  }

  get cwd(): string {
    return this.config.WorkingDir || '/';
  }

  get shell(): string[] {
    return this.config.Shell ?? DEFAULT_SHELL;
  }

  get envList(): string[] {
    return [...this.env].map(([name, value]) => `${name}=${value}`);
  }

  /** ENV wins over ARG, whichever came first. */
  readonly lookup = (name: string): string | undefined => this.env.get(name) ?? this.args.get(name);

  /** While `work` runs, everything is said of the stage's FROM. */
  asTrigger(work: () => void): void {
    this.#triggerPlace = this.stage.place.ranges[0];
    try {
      work();
    } finally {
      this.#triggerPlace = undefined;
    }
  }

  rangeOf(range: Range): Range {
    return this.#triggerPlace ?? range;
  }

  placeOf(node: Node): Operation['place'] {
    return placeOf(this.stage.scope.source, this.rangeOf(node.range));
  }

  /** @throws Complaint at the word */
  expand(node: Node, word: Word, except?: string): string {
    return this.#expand(node, word, except).text;
  }

  /** As `expand`, then split at blanks: one `$PORTS` can be several words. */
  expandWords(node: Node, word: Word): string[] {
    return this.#expand(node, word).words;
  }

  #expand(node: Node, word: Word, except?: string): { text: string; words: string[] } {
    const ranges = [this.rangeOf(word.range)];
    const expansion = expand(word.text, this.lookup, { escape: this.stage.scope.escape, ranges });
    for (const { name, start, end, defined, guarded } of expansion.references)
      if (!defined && !guarded && name !== except)
        this.remarkUndefined(node, name, rangeWithin(node, word, start, end), (other) =>
          nameEdit(node, word, start, name, other),
        );
    return expansion;
  }

  /** An ARG that was declared without a value is meant to be empty sometimes; of an unknown base nothing can be said. */
  remarkUndefined(
    node: Node,
    name: string,
    range: Range,
    rename: (name: string) => Edit | undefined = () => undefined,
  ): void {
    if (this.#baseUnknown || this.args.has(name) || /^[^\p{L}_]/u.test(name)) return;
    const known = this.env.size + this.args.size > MOST_KNOWN ? [] : [...this.env.keys(), ...this.args.keys()];
    checkUndefined({ name, node, range, rename }, { known, isGlobal: this.stage.scope.globals.has(name) }, this.remark);
  }

  /** What is remarked on a trigger of the base is said of the FROM that brought it, and can't be mended in this file. */
  readonly remark: Remark = (rule, message, ranges, fix) => {
    const place = this.#triggerPlace;
    if (place === undefined) this.#remark(rule, message, ranges, fix);
    else this.#remark(rule, message, [place], fix === undefined ? undefined : { text: fix.text });
  };

  /** Remembers an instruction that makes no layer. */
  note(createdBy: string): void {
    this.history.push({ createdBy });
  }

  /** Remembers an operation, and that its layer came from this instruction. */
  operate(operation: Operation, createdBy: string): void {
    this.operations.push(operation);
    this.history.push({ createdBy, operation: this.operations.length - 1 });
  }
}
