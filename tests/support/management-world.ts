// What must be there before an example of the management plane's documents can be sent to a running Quern. Each subject has a file that says, by
// operation, what it builds and which names the example gets instead of its own (tests/support/management-world/*.ts); here is what they share.
// Names are new for every request, so that examples can be sent again and again to one server.
import { type ArmRequest, armRequest } from "./arm.ts";
import { batchUser } from "./batch-user.ts";
import type { ManagementExample } from "./management-documents.ts";
import { accountWays } from "./management-world/accounts.ts";
import { applicationWays } from "./management-world/applications.ts";
import { imageWays } from "./management-world/images.ts";
import { poolWays } from "./management-world/pools.ts";
import { accountName, group, type Prepared, type Ways, type World } from "./management-world/world.ts";
import type { Quern } from "./quern.ts";
import type { Answer } from "./signed.ts";

const ways: Readonly<Record<ManagementExample["namespace"], Ways>> = {
  "Microsoft.Batch": { ...accountWays, ...applicationWays, ...poolWays },
  "Microsoft.AzureStackHCI": imageWays,
};

export const managementWorld = (
  quern: Quern,
): { world: World; prepare: (example: ManagementExample) => Promise<Prepared>; tidy: () => Promise<void> } => {
  let last = 0;
  const undo: (() => Promise<unknown>)[] = [];
  const arm = (request: ArmRequest): Promise<Answer> => armRequest(quern, request);
  const world: World = {
    quern,
    user: batchUser(quern),
    account: `/subscriptions/{sub}/resourceGroups/${group}/providers/Microsoft.Batch/batchAccounts/${accountName}`,
    fresh: (what) => `${what}${++last}`,
    arm,
    ok: async (request) => {
      const answer = await arm(request);
      if (answer.status >= 300) throw new Error(`${request.method} ${request.path}: ${answer.status} ${answer.text.slice(0, 400)}`);
      return answer;
    },
    after: (step) => void undo.push(step),
  };
  return {
    world,
    prepare: async (example) => (await ways[example.namespace][example.operation.operationId]?.(world, example)) ?? {},
    tidy: async () => {
      for (const step of undo.splice(0).reverse()) await step();
    },
  };
};
