import { interpretStage } from '../../dockerfile/interpret.ts';
import type { BuildInputs } from '../../dockerfile/program.ts';
import { parseDockerfile, planStages } from '../../dockerfile/stages.ts';
import type { RunConfig } from '../../images/config.ts';
import type { Platform } from '../../images/platform.ts';
import { Problem } from '../../lib/problem.ts';

/** Instructions that make no layer, as dockerd takes them from `--change`. */
const ALLOWED = [
  ...['CMD', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL'],
  ...['ONBUILD', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'],
];

/**
 * A config after the instructions of `docker commit --change`, in the words of a Dockerfile.
 * @throws Problem `invalid`
 */
export function changedConfig(config: RunConfig, changes: readonly string[], platform: Platform): RunConfig {
  if (changes.length === 0) return config;
  const parsed = parseDockerfile(['FROM changed', ...changes].join('\n'), '--change');
  if (parsed.stages.length > 1) throw refused('from');
  const inputs: BuildInputs = { buildArgs: {}, buildPlatform: platform, targetPlatform: platform };
  const [stage] = planStages(parsed, inputs).stages;
  if (stage === undefined) return config;
  for (const { node } of stage.instructions) if (!ALLOWED.includes(node.name)) throw refused(node.name.toLowerCase());
  // triggers of the base are for those who build on it
  const { OnBuild, ...own } = config;
  const base = { ...platform, config: own, rootfs: { type: 'layers' as const, diff_ids: [] } };
  const changed = interpretStage(stage, { config: base, args: {} }, inputs).config;
  const env = withoutDefaultPath(changed.Env ?? [], [...(config.Env ?? []), ...changes]);
  const triggers = [...(OnBuild ?? []), ...(changed.OnBuild ?? [])];
  return { ...changed, Env: env, ...(triggers.length === 0 ? {} : { OnBuild: triggers }) };
}

function refused(name: string): Problem {
  return new Problem('invalid', `${name} is not a valid change command`);
}

/** A build gives a PATH to an image that has none; a commit leaves the config as it was. */
function withoutDefaultPath(env: readonly string[], said: readonly string[]): string[] {
  const named = said.some((text) => /(?:^|\s)PATH[=\s]/.test(text));
  return env.filter((pair) => named || !pair.startsWith('PATH='));
}
