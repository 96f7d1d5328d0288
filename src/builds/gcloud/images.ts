import { flagsOf, type GcloudCommand } from './command.ts';

/** `gcloud artifacts docker tags add SRC DST`: all platforms, and what refers to them, under one more name. */
export const addTag: GcloudCommand = {
  flags: [],
  args: { min: 2, max: 2 },
  async run(flags, { engine, caller, err }) {
    const [source = '', target = ''] = flags.args;
    await engine.copy(source, target, caller);
    err(`Added tag [${target}] to image [${source}].`);
    return 0;
  },
};

/** `gcloud container images add-tag SRC DST...`, its forerunner. */
export const addTags: GcloudCommand = {
  flags: flagsOf('switch', 'async'),
  args: { min: 2, max: Number.POSITIVE_INFINITY },
  async run(flags, { engine, caller, err }) {
    const [source = '', ...targets] = flags.args;
    for (const target of targets) {
      await engine.copy(source, target, caller);
      err(`Created [${target}].`);
    }
    return 0;
  },
};
