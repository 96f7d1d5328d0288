/** How what we answer differs from a recording, and why it should. The recordings are of a stub. */
export interface Difference {
  reason: string;
  /** Pieces of the masked recording, and what stands there here. */
  replace?: readonly (readonly [from: string | RegExp, to: string])[];
  /** The build's log is another one, and is only looked at for its beginning. */
  log?: true;
  /** The resource that is printed is another one: it has at least the recorded one's fields. */
  keys?: true;
  /** Another recording that tells what is expected here. */
  as?: string;
  exit?: number;
  /** Masked. */
  stdout?: string;
  stderr?: string;
}

export function differenceOf(name: string): Difference | undefined {
  return DIFFERENCES[name];
}

const IMAGE = /europe-central2-docker\.pkg\.dev\/\$PROJECT_ID\/images\/api:\$_TAG/g;

const OTHER_LOG = 'the log is of a build that ran';
const SUBSTITUTED = 'substitutions are made when a build is taken in';
const MORE = 'a build that ran tells more: results, timings, status of each step';
const STATUS = 'our errors carry their status, as Google’s do';
const CONNECTIONS = 'connections are served here; the stub had none';
const NEVER = 'this server never answers so';

const DIFFERENCES: Record<string, Difference> = {
  'describe-404': { reason: STATUS, replace: [['HTTPError 404:', 'NOT_FOUND:']] },
  'override-prefixpath': {
    reason: 'our text for a path that is none',
    replace: [
      ['HTTPError 404: no route GET /cb/v1/projects/p1/locations/global/builds. ', 'NOT_FOUND: Method not found. '],
      [/True$/g, 'True.'],
    ],
  },
  cancel: { reason: MORE, keys: true },
  describe: { reason: MORE, keys: true },
  'list-filter-time': { reason: MORE, keys: true },
  'auth-token-file': {
    reason: 'the listed builds have no source',
    replace: [
      [/gs:\S+/g, '-'],
      [IMAGE, '-'],
    ],
  },
  'list-default': {
    reason: 'the listed builds are others',
    replace: [
      ['PENDING', 'SUCCESS'],
      [IMAGE, '-'],
    ],
  },
  'list-filter-mixed': {
    reason: 'no listed build has images',
    stderr: 'WARNING: The following filter keys were not present in any resource : images',
  },
  'ar-repo-create': {
    reason: 'the operation is done when it is answered for',
    replace: [[/^Waiting for operation .*\n\.\.done\.\n/gm, '']],
  },
  'ar-repo-describe': {
    reason: 'the repository tells its address itself',
    replace: [
      [/^updateTime/gm, 'registryUri: europe-central2-docker.pkg.dev/p1/images\nupdateTime'],
      [/^Registry URL: .*\n/gm, ''],
    ],
  },
  'connections-list': { reason: CONNECTIONS, exit: 0, stderr: 'Listed 0 items.' },
  'conn-create-gitlab': {
    reason: CONNECTIONS,
    stderr:
      'ERROR: (gcloud.builds.connections.create.gitlab) NOT_FOUND: there is no secret w in project p1\nslipway secret list --project p1 shows those that are there; slipway secret create w makes it. This command is unauthenticated because the [auth/disable_credentials] property is True.',
  },
  'err-400': {
    reason: 'our text goes on with what to do',
    replace: [
      [
        '"_FOO" is not a valid built-in substitution',
        '"FOO" is not a valid built-in substitution\nIn steps[0].args[0]: write $$FOO for a shell variable, $_FOO for a substitution of your own',
      ],
    ],
  },
  'err-401-token': {
    reason: 'our text goes on with what to do',
    replace: [
      [
        'invalid authentication credentials.',
        'invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.\nThe token is unknown, revoked or expired: slipway token create, or eval "$(slipway env)".',
      ],
    ],
  },
  'gs-buckets-list': {
    reason: 'buckets are listed by their names',
    stdout: 'p1_cloudbuild\np1_europe-central2_cloudbuild\nmybkt\nnewb\nbkt',
  },
  'gs-cat-range': {
    reason: 'the stub’s links to content were wrong; here the bytes come',
    exit: 0,
    stdout: 'hello worl',
    stderr: '',
  },
  'gsutil-cat-range': { reason: 'the object holds other bytes', stdout: 'hello' },
  'log-stored': { reason: OTHER_LOG, log: true },
  'log-stream-done': { reason: OTHER_LOG, log: true },
  'log-stream-running': { reason: OTHER_LOG, log: true },
  'log-cloudlogging-ga-token': { reason: OTHER_LOG, log: true },
  'min-create-async': { reason: 'builds are answered for whole', as: 'submit-nosource' },
  'min-create-nometa': { reason: NEVER, as: 'submit-nosource' },
  'min-create-noproject': { reason: NEVER, as: 'submit-nosource' },
  'min-create-unknown-fields': { reason: NEVER, as: 'submit-nosource' },
  'err-429': { reason: `${NEVER} for a request that is right`, as: 'submit-nosource' },
  'err-503': { reason: `${NEVER}: gcloud would repeat a request that made a build`, as: 'submit-nosource' },
};
