import type { Role } from '../../auth/identity.ts';
import { requireBucket } from './access.ts';
import { param, type StorageCall } from './call.ts';
import { StorageError } from './errors.ts';

type Handler = (call: StorageCall) => Promise<void>;

const RIGHTS = 'Rights are those of the project: slipway token create --role reader|writer --project PROJECT.';

/**
 * What buckets and objects have at Google and not here, in words. 400 and not 404, which clients take for a bucket that isn't
 * there, nor a 5xx, which they repeat for minutes.
 */
export const NOT_SERVED: readonly [method: string, path: string, handler: Handler][] = [
  ...of('IAM policies', RIGHTS, [
    ['GET', '/iam'],
    ['PUT', '/iam'],
    ['GET', '/iam/testPermissions'],
    ['GET', '/o/{object}/iam'],
    ['PUT', '/o/{object}/iam'],
  ]),
  ...of('access control lists', RIGHTS, [
    ['GET', '/acl'],
    ['POST', '/acl'],
    ['GET', '/acl/{entity}'],
    ['PUT', '/acl/{entity}'],
    ['PATCH', '/acl/{entity}'],
    ['DELETE', '/acl/{entity}'],
    ['GET', '/defaultObjectAcl'],
    ['POST', '/defaultObjectAcl'],
    ['GET', '/o/{object}/acl'],
    ['POST', '/o/{object}/acl'],
    ['PUT', '/o/{object}/acl/{entity}'],
    ['PATCH', '/o/{object}/acl/{entity}'],
    ['DELETE', '/o/{object}/acl/{entity}'],
  ]),
  ...of('notifications of buckets', 'Builds are told of instead: builds.notifications in slipway.yaml.', [
    ['GET', '/notificationConfigs'],
    ['POST', '/notificationConfigs'],
    ['GET', '/notificationConfigs/{notification}'],
    ['DELETE', '/notificationConfigs/{notification}'],
    ['POST', '/o/watch'],
  ]),
  ...of(
    'settings of buckets (lifecycle, versions, labels, retention, CORS, websites)',
    'A bucket has a name and a location.',
    [
      ['PATCH', ''],
      ['PUT', ''],
      ['POST', '/lockRetentionPolicy'],
    ],
  ),
  ...of('old versions of objects', 'What was overwritten or deleted is gone.', [['POST', '/o/{object}/restore']]),
];

function of(
  what: string,
  instead: string,
  routes: readonly (readonly [method: string, path: string])[],
): [string, string, Handler][] {
  return routes.map(([method, path]) => [method, `/storage/v1/b/{bucket}${path}`, refusal(what, instead, method)]);
}

function refusal(what: string, instead: string, method: string): Handler {
  const role: Role = method === 'GET' ? 'reader' : 'writer';
  return async (call) => {
    await requireBucket(call, param(call, 'bucket'), role);
    throw new StorageError(400, 'notImplemented', `Slipway has no ${what}. ${instead}`);
  };
}
