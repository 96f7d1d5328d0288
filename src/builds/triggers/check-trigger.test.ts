import { describe, expect, it } from 'vitest';
import { readTrigger } from './check-trigger.ts';

const REPOSITORY = 'projects/p1/locations/eu/connections/c/repositories/r';
const good = {
  name: 't3',
  filename: 'cloudbuild.yaml',
  repositoryEventConfig: { repository: REPOSITORY, push: { branch: '^main$' } },
};

describe('a trigger', () => {
  it('is what the API calls one, without what the server sets', () => {
    expect(readTrigger({ ...good, id: 'x', createTime: 'y', resourceName: 'z' }, 'p1')).toEqual(good);
    const build = { steps: [{ name: 'ubuntu', wait_for: '-' }] };
    expect(readTrigger({ build, webhookConfig: { secret: 'projects/p1/secrets/s/versions/1' } }, 'p1').build).toEqual({
      steps: [{ name: 'ubuntu', waitFor: ['-'] }],
    });
  });

  it.each<[string, object, RegExp]>([
    ['a field that there is not', { ...good, filname: 'x' }, /Unknown name "filname" at 'trigger'/],
    [
      'a field in a field',
      { ...good, approvalConfig: { required: true } },
      /Unknown name "required" at 'trigger.approvalConfig'/,
    ],
    ['a value of another kind', { ...good, disabled: 'yes' }, /'trigger.disabled'/],
    ['a step that there is not', { build: { steps: [{ nam: 'x' }] } }, /^build: unknown field "nam"/],
    ['a name with a dot', { ...good, name: 'a.b' }, /is no name of a trigger/],
    ['two things that start it', { ...good, cron: { schedule: '0 3 * * *' } }, /repositoryEventConfig and cron both/],
    ['two configs', { ...good, autodetect: true }, /filename and autodetect both/],
    ['no config', { ...good, filename: undefined }, /does not say what is built/],
    ['a config nowhere', { filename: 'cloudbuild.yaml' }, /no repository in which its config could be/],
    [
      'a broken regex',
      { ...good, repositoryEventConfig: { repository: REPOSITORY, push: { branch: '(' } } },
      /push.branch: .*missing closing/,
    ],
    [
      'a regex that is no RE2',
      { ...good, repositoryEventConfig: { repository: REPOSITORY, push: { tag: '(?=x)' } } },
      /Perl syntax/,
    ],
    [
      'branch and tag',
      { ...good, repositoryEventConfig: { repository: REPOSITORY, push: { branch: 'a', tag: 'b' } } },
      /set branch or tag/,
    ],
    ['a broken glob', { ...good, ignoredFiles: ['[a'] }, /^ignoredFiles: /],
    ['a schedule of seconds', { build: {}, cron: { schedule: '* * * * * *' } }, /^cron.schedule: .*5 parts/],
    ['a schedule that never comes', { build: {}, cron: { schedule: '0 0 30 2 *' } }, /never comes/],
    [
      'a time zone that there is not',
      { build: {}, cron: { schedule: '0 3 * * *', timeZone: 'Mars/North' } },
      /no time zone/,
    ],
    ['a filter that is none', { build: {}, filter: '_A = 1' }, /^filter: unexpected =/],
    ['a substitution in small letters', { ...good, substitutions: { a: '1' } }, /^substitutions.a: names begin/],
    ['a binding that is none', { ...good, substitutions: { _A: '$(body..x)' } }, /no payload binding/],
    [
      "another project's secret",
      { build: {}, webhookConfig: { secret: 'projects/p2/secrets/s/versions/1' } },
      /of project p2/,
    ],
    [
      "another project's repository",
      { ...good, repositoryEventConfig: { repository: REPOSITORY.replace('p1', 'p2'), push: { branch: 'a' } } },
      /of project p2/,
    ],
    ['a host that is not served', { ...good, bitbucketServerTriggerConfig: {} }, /not served/],
  ])('may not have %s', (_what, trigger, message) => {
    expect(() => readTrigger(trigger, 'p1')).toThrow(message);
  });
});
