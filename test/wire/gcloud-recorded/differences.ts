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

const OWN_IMAGE = 'europe-central2-docker.pkg.dev/p1/images/api:dev';

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
    replace: [[/^Waiting for operation .*\ndone\.\n/gm, '']],
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
  'err-403': {
    reason: 'our text says which role it takes; a reader’s token asks, where the stub refused everybody',
    replace: [
      [
        'permission. This command is unauthenticated because the [auth/disable_credentials] property is True',
        'permission\nThis needs the role writer in project p1. This command is authenticated with an access token from <W>/reader specified by the [auth/access_token_file] property.',
      ],
    ],
  },
  'submit-subst-badkey': {
    reason: 'a name that is none is refused when the build is taken in',
    exit: 1,
    stdout: '',
    replace: [
      [
        /^Created [\s\S]*/gm,
        'ERROR: (gcloud.builds.submit) INVALID_ARGUMENT: invalid .substitutions field: substitution key "lower" does not respect format "^_[A-Z0-9_]+$" and is not an overridable built-in substitutions\nNames of your own begin with an underscore and are in capitals: _LOWER.',
      ],
    ],
  },
  'yaml-goartifacts': {
    reason: 'repositories of packages are refused in words',
    exit: 1,
    stdout: '',
    stderr:
      "ERROR: (gcloud.builds.submit) INVALID_ARGUMENT: invalid build: artifacts.goModules is not supported by this server\nIts repositories hold container images. Publish in a step, with the registry's password in secretEnv: a tag of the repository, which the go command reads by itself.\nOr keep the files in a bucket: artifacts.objects.",
  },
  'yaml-strtimeout': {
    reason: 'durations end with an s; gcloud leaves that to the server',
    exit: 1,
    stdout: '',
    stderr:
      'ERROR: (gcloud.builds.submit) INVALID_ARGUMENT: invalid build: timeout "10m": illegal duration format; duration must end with \'s\'\nWrite 600s.',
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
  'log-cloudlogging-beta-stream-token': {
    reason: 'clients of gRPC take no certificate for an address; by the proxy or https://localhost:PORT/ it streams',
    replace: [
      [
        'second(s).',
        'second(s).\nUnknown error encountered. (failed to connect to all addresses; last error: UNKNOWN: ipv4:<HOST>: Ssl handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unsupported name constraint type)',
      ],
    ],
  },
  'log-stored': { reason: OTHER_LOG, log: true },
  'log-stream-done': { reason: OTHER_LOG, log: true },
  'log-stream-running': { reason: OTHER_LOG, log: true },
  'log-cloudlogging-ga-token': { reason: OTHER_LOG, log: true },
  'submit-beta-grpc-tail': { reason: `${OTHER_LOG}; ${SUBSTITUTED}`, log: true, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-cloudlogging-ga': { reason: SUBSTITUTED, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-failing': { reason: OTHER_LOG, log: true },
  'submit-internal': {
    reason: `${OTHER_LOG}; failureInfo says why a build ended, also when its process died`,
    log: true,
    replace: [
      [
        /^ERROR: /gm,
        "BUILD FAILURE: the build's process ended too early: the worker process ended (signal SIGKILL) in the middle of its work\nERROR: ",
      ],
    ],
  },
  'submit-logging-none': { reason: SUBSTITUTED, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-sigint-cancel': { reason: OTHER_LOG, log: true },
  'submit-status-pending': {
    reason: 'only a trigger’s build is PENDING; one that a person submits goes to its end',
    log: true,
    exit: 0,
    replace: [
      [/^ERROR: .*PENDING"$/gm, ''],
      [/^----$/gm, `----\nID  CREATE_TIME  DURATION  SOURCE  IMAGES  STATUS\n<ID>  <TIME>  -  ${OWN_IMAGE}  SUCCESS`],
    ],
  },
  'submit-suppress': { reason: SUBSTITUTED, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-sync-gcloudproxy': { reason: `${OTHER_LOG}; ${SUBSTITUTED}`, log: true, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-sync-mitm': { reason: `${OTHER_LOG}; ${SUBSTITUTED}`, log: true, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-sync-proxyonly': { reason: `${OTHER_LOG}; ${SUBSTITUTED}`, log: true, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-sync-wholelines': { reason: `${OTHER_LOG}; ${SUBSTITUTED}`, log: true, replace: [[IMAGE, OWN_IMAGE]] },
  'submit-subst': {
    reason: 'built-in names that nothing uses are refused, as the hosted service does',
    exit: 1,
    stdout: '',
    replace: [
      [
        /^Created [\s\S]*/gm,
        `ERROR: (gcloud.builds.submit) INVALID_ARGUMENT: invalid value for 'build.substitutions': ${['BRANCH_NAME', 'COMMIT_SHA', 'REPO_NAME', 'SHORT_SHA', 'TAG_NAME'].map((key) => `key "${key}" in the substitution data is not matched in the template`).join(';')}\nUse it in a step, leave it out, or set options.substitutionOption: ALLOW_LOOSE.`,
      ],
    ],
  },
  'submit-sync-disable-ssl': {
    reason: 'the recording’s environment had a CA bundle of its own, which beats gcloud’s setting',
    as: 'submit-sync-mitm',
    log: true,
    replace: [[IMAGE, OWN_IMAGE]],
  },
  'submit-timeout': {
    reason: `${OTHER_LOG}; failureInfo says why a build ended, also when its time was over`,
    log: true,
    replace: [[/^ERROR: /gm, 'BUILD FAILURE: context deadline exceeded\nERROR: ']],
  },
  'trig-list': {
    reason: 'one trigger is there, where the recording had six',
    replace: [
      [/^---\nbuild:[\s\S]*?(?=^---\ncreateTime: '<TIME>'\ngitFileSource)/gm, ''],
      [/^---\napprovalConfig[\s\S]*/gm, ''],
    ],
  },
  'trig-run': { reason: `${SUBSTITUTED}; ${MORE}`, keys: true },
  'trig-run-sha': { reason: `${SUBSTITUTED}; ${MORE}`, keys: true },
  'approve-alpha': { reason: MORE, keys: true },
  'min-create-async': { reason: 'builds are answered for whole', as: 'submit-nosource' },
  'min-create-nometa': { reason: NEVER, as: 'submit-nosource' },
  'min-create-noproject': { reason: NEVER, as: 'submit-nosource' },
  'min-create-unknown-fields': { reason: NEVER, as: 'submit-nosource' },
  'err-429': { reason: `${NEVER} for a request that is right`, as: 'submit-nosource' },
  'err-503': { reason: `${NEVER}: gcloud would repeat a request that made a build`, as: 'submit-nosource' },
};
