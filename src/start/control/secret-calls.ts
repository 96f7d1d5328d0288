import { OWNER } from '../../auth/identity.ts';
import type { ControlService } from '../../doors/control/routes.ts';
import type { SecretCalls } from '../../doors/control/secret-wire.ts';
import type { Owner } from '../owner.ts';

const ACTOR = OWNER.name;

/** `slipway secret`: whoever may open the control socket owns every secret. */
export function secretCalls({ secrets }: Owner): Pick<ControlService, keyof SecretCalls> {
  return {
    createSecret: async ({ labels, value, ...name }) => {
      const info = await secrets.create(name, ACTOR, labels);
      if (value === undefined) return info;
      try {
        const { version } = await secrets.addVersion(name, value, ACTOR);
        return { ...info, version };
      } catch (error) {
        // asked for in one command, they are there together or not at all
        await secrets.remove(name, ACTOR);
        throw error;
      }
    },
    secrets: async ({ project }) => {
      const rows = await secrets.list(project);
      return Promise.all(rows.map(async (info) => ({ ...info, versions: await secrets.versions(info) })));
    },
    secretVersions: (name) => secrets.versions(name),
    addSecretVersion: ({ value, ...name }) => secrets.addVersion(name, value, ACTOR),
    readSecret: ({ version, ...name }) => secrets.access(name, version, ACTOR),
    setSecretState: ({ version, state, ...name }) => secrets.setState(name, version, state, ACTOR),
    removeSecret: (name) => secrets.remove(name, ACTOR),
    secretEvents: ({ project, secret, limit }) => secrets.events(project, secret, limit),
  };
}
