import type { Network } from '../../containers/container.ts';
import type { RunOperation } from '../../dockerfile/program.ts';
import { Problem } from '../../lib/problem.ts';
import type { Entitlement } from '../request.ts';
import type { OperationServices } from './operation.ts';

/** By which the server's owner allows each. */
const SETTINGS: Record<Entitlement, string> = {
  'security.insecure': 'builds.allowInsecure',
  'network.host': 'builds.allowHostNetwork',
};

/** What a RUN is connected to. @throws Problem `denied` */
export function networkOf(operation: RunOperation, services: OperationServices): Network {
  const { network } = services.request;
  if (operation.network === 'none') return { kind: 'none' };
  if (operation.network === 'default' || network.kind === 'host') return network;
  requireEntitlement('network.host', 'RUN --network=host', operation, services);
  return { kind: 'host' };
}

/** @throws Problem `denied` */
export function securityOf(operation: RunOperation, services: OperationServices): 'insecure' | undefined {
  if (operation.security !== 'insecure') return undefined;
  requireEntitlement('security.insecure', 'RUN --security=insecure', operation, services);
  return 'insecure';
}

/** Whoever starts the build has to ask for it, so that a Dockerfile alone can't; and the server's owner has to allow it. */
function requireEntitlement(
  entitlement: Entitlement,
  flag: string,
  { place }: RunOperation,
  { request, deps }: OperationServices,
): void {
  const allowed = deps.entitlements?.includes(entitlement) === true;
  const asked = request.allow?.includes(entitlement) === true;
  if (allowed && asked) return;
  const where = allowed ? 'in this build' : 'on this server';
  const setting = `${SETTINGS[entitlement]}: true in slipway.yaml`;
  throw new Problem('denied', `${flag}: entitlement ${entitlement} is not allowed ${where}`, {
    place,
    hint: allowed
      ? `The build has to ask for it: --allow ${entitlement}`
      : `The owner of the server can allow it with ${setting}${asked ? '' : `, and the build has to ask for it: --allow ${entitlement}`}.`,
  });
}
