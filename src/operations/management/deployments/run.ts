// Carries a deployment on: one pass looks at what the store says has been done, does what can be done now, and tells what has become of it. It can be cut
// short anywhere and run again: a resource is put once more, which changes nothing, and only then its step is known to have ended.
import { Conflict, StoreUnavailable } from "../../../store/db.ts";
import {
  type Deployment,
  type DeploymentError,
  type DeploymentKey,
  type DeploymentStep,
  getDeployment,
  putStep,
  saveDeployment,
  stepsOf,
  templateOf,
} from "../../../store/deployments.ts";
import { getResourceGroup } from "../../../store/resource-groups.ts";
import { bodyOf, type Output, outputsOf, type Prepared, prepare, shownParameters } from "../../../templates/deploy.ts";
import { TemplateError } from "../../../templates/errors.ts";
import type { Planned } from "../../../templates/resources.ts";
import { type Need, NotYet } from "../../../templates/scope.ts";
import type { Value } from "../../../templates/values.ts";
import type { ManagementServices } from "../handler.ts";
import { deletionsOf } from "./complete-mode.ts";
import { failedDeployment, finish } from "./finish.ts";
import { type Answered, type Call, endOf, errorOf, followOf, type Outcome, outcomeOf, type Perform, targetOf } from "./perform.ts";
import { invalidTemplate, mostShown, placeOf } from "./prepare.ts";
import { isUnderWay } from "./view.ts";

/** Templates made ready, by what the deployment is called: making one ready costs more than a pass. */
export type Remembered = Map<string, { readonly runId: string; readonly prepared: Prepared }>;

const nameOf = ({ scope, key }: DeploymentKey): string => `${scope}/${key}`;

export type Parts = {
  readonly services: Omit<ManagementServices, "deployments">;
  readonly perform: Perform;
  readonly remembered: Remembered;
};

/** One pass. `waits`: something takes long; `ended`: it has, or it is gone. */
export const advance = async (parts: Parts & { ring: (key: DeploymentKey) => void }, key: DeploymentKey): Promise<"waits" | "ended"> => {
  const { store, clock } = parts.services;
  const deployment = await getDeployment(store, key);
  if (deployment === undefined || !isUnderWay(deployment)) {
    parts.remembered.delete(nameOf(key));
    return "ended";
  }
  try {
    if (deployment.state === "Accepted") {
      await store.commit([saveDeployment({ ...deployment, state: "Running", changedAt: clock.now() })]);
      deployment.generation += 1;
    }
    const run = await runOf(parts, deployment);
    while (await oneRound(run)) {
      // As long as something changes there may be more to do.
    }
    const steps = [...run.steps.values()];
    if (steps.some(({ state }) => state === "Running")) return "waits";
    await end(run);
  } catch (error) {
    // Cancelled, deleted, or deployed anew meanwhile: what there is now is looked at afresh.
    if (error instanceof Conflict) {
      parts.ring(key);
      return "ended";
    }
    if (error instanceof StoreUnavailable) throw error;
    await finish(parts.services, deployment, "Failed", { error: failureOf(parts, deployment, error) });
  }
  parts.remembered.delete(nameOf(key));
  return "ended";
};

/** Whatever else goes wrong is our mistake: it would go wrong each time, so the deployment ends with it. */
const failureOf = ({ services }: Parts, { name, runId }: Deployment, error: unknown): DeploymentError => {
  if (error instanceof TemplateError) return { code: "InvalidTemplate", message: invalidTemplate(error).message };
  services.log.error({ err: error, deployment: name, runId }, "a deployment failed");
  return { code: "InternalServerError", message: `The deployment failed. The server's log says why, under '${runId}'.` };
};

type Run = Parts & {
  readonly deployment: Deployment;
  readonly prepared: Prepared;
  readonly steps: Map<string, DeploymentStep>;
  readonly answers: Map<string, Value>;
};

const runOf = async (parts: Parts, deployment: Deployment): Promise<Run> => {
  const { services, remembered } = parts;
  const steps = new Map((await stepsOf(services.store, deployment.runId)).map((step) => [step.key, step]));
  const kept = remembered.get(nameOf(deployment));
  const prepared = kept?.runId === deployment.runId ? kept.prepared : await preparedAgain(services, deployment);
  remembered.set(nameOf(deployment), { runId: deployment.runId, prepared });
  return { ...parts, deployment, prepared, steps, answers: new Map() };
};

/** With the values that its parameters had when it began. */
const preparedAgain = async (services: Parts["services"], deployment: Deployment): Promise<Prepared> => {
  const { name, resourceGroup, request, secrets } = deployment;
  const template = await templateOf(services.store, deployment);
  const group = resourceGroup === undefined ? undefined : await getResourceGroup(services.store, resourceGroup);
  if (resourceGroup !== undefined && group === undefined) throw new TemplateError(`The resource group '${resourceGroup}' is gone.`);
  const { location, baseUrl, mode } = request;
  const place = placeOf(services.settings, {
    name,
    baseUrl,
    mode,
    ...(group === undefined ? {} : { group }),
    ...(location === undefined ? {} : { location }),
  });
  const values = Object.entries(request.parameters).map(([key, { value }]) => [key, { value: secrets?.[key] ?? value ?? null }]);
  return prepare(template, Object.fromEntries(values) as Value, place);
};

/** Goes on with what is running, begins what can begin. Whether anything changed. */
const oneRound = async (run: Run): Promise<boolean> => {
  let changed = false;
  for (const step of [...run.steps.values()]) if (step.state === "Running") changed = (await goOn(run, step)) || changed;
  for (const planned of run.prepared.resources) {
    if (planned.isExisting || run.steps.has(planned.key)) continue;
    if (isReady(run, planned)) changed = (await begin(run, planned)) || changed;
  }
  const isWhole = run.prepared.resources.every(({ key, isExisting }) => isExisting || run.steps.get(key)?.state === "Succeeded");
  if (isWhole && run.deployment.request.mode === "Complete")
    for (const { key, detail } of await deletionsOf(run.services, run.deployment, run.prepared))
      if (!run.steps.has(key)) {
        changed = true;
        await remove(run, await put(run, key, { state: "Running", detail }));
      }
  return changed;
};

const isReady = ({ steps, prepared }: Run, { dependsOn, after }: Planned): boolean => {
  const isDone = (key: string): boolean => steps.get(key)?.state === "Succeeded";
  return dependsOn.every(isDone) && (after === undefined || prepared.batches.get(after)!.every(isDone));
};

const goOn = async (run: Run, step: DeploymentStep): Promise<boolean> => {
  const { follow, operation } = step.detail;
  if (follow === undefined) {
    // Cut short between the note of it and its answer.
    if (operation === "Delete") await remove(run, step);
    else {
      const planned = run.prepared.resources.find(({ key }) => key === step.key);
      if (planned !== undefined) await deploy(run, planned, step, true);
    }
    return true;
  }
  const outcome = outcomeOf(follow, await ask(run, "GET", follow.target));
  if (outcome.state === "Running") return false;
  // A deletion that is asked for until nothing is there.
  await note(run, step, operation === "Delete" && outcome.status === 404 ? { state: "Succeeded", status: 200 } : outcome);
  return true;
};

/** False where it must wait for another resource that it refers to. */
const begin = async (run: Run, planned: Planned): Promise<boolean> => {
  const detail = { operation: "Create" as const, id: planned.id, type: planned.type, name: planned.name };
  const body = await known(run, () => bodyOf(run.prepared, planned, knownOf(run)));
  if (body === "waits") return false;
  const step = await put(run, planned.key, { state: "Running", detail });
  if ("error" in body) await note(run, step, { state: "Failed", status: body.status, error: body.error });
  else await deploy(run, planned, step, false);
  return true;
};

const deploy = async (run: Run, planned: Planned, step: DeploymentStep, isAgain: boolean): Promise<void> => {
  const body = await known(run, () => bodyOf(run.prepared, planned, knownOf(run)));
  if (body === "waits") return;
  if ("error" in body) return note(run, step, { state: "Failed", status: body.status, error: body.error });
  const target = targetOf(planned.id, planned.apiVersion);
  const answered = await ask(run, "PUT", target, body.value);
  // A deployment within this one, which went on while this one was cut short.
  const isActive = isAgain && answered.status === 409 && errorOf(answered).code === "DeploymentActive";
  if (answered.status >= 400 && !isActive) return note(run, step, { state: "Failed", status: answered.status, error: errorOf(answered) });
  const follow = isActive ? { target, by: "resource" as const } : followOf(answered, target);
  if (follow === undefined) return note(run, step, endOf(answered));
  run.steps.set(step.key, { ...step, detail: { ...step.detail, follow } });
  await save(run, run.steps.get(step.key)!);
};

const remove = async (run: Run, step: DeploymentStep): Promise<void> => {
  const { follow: at } = step.detail;
  const answered = await ask(run, "DELETE", at?.target ?? step.key.slice("delete:".length));
  if (answered.status === 404) return note(run, step, { state: "Succeeded", status: 200 });
  const follow = answered.status >= 400 ? undefined : followOf(answered, "");
  if (follow === undefined || follow.by === "resource")
    return note(run, step, endOf({ ...answered, body: answered.status >= 400 ? answered.body : undefined }));
  run.steps.set(step.key, { ...step, detail: { ...step.detail, follow } });
  await save(run, run.steps.get(step.key)!);
};

const ask = ({ perform, deployment }: Run, method: Call["method"], target: string, body?: unknown): Promise<Answered> => {
  const { caller, baseUrl, nesting } = deployment.request;
  return perform.call({ method, target, caller, baseUrl, nesting: nesting + 1, ...(body === undefined ? {} : { body }) });
};

const knownOf = ({ steps, answers }: Run) => ({
  deployed: new Set([...steps.values()].filter(({ state }) => state === "Succeeded").map(({ key }) => key)),
  answers,
});

type Failure = { readonly error: NonNullable<Outcome["error"]>; readonly status: number };

/** A value of the template, with what it refers to asked for. */
const known = async <T>(run: Run, evaluate: () => T): Promise<{ readonly value: T } | Failure | "waits"> => {
  for (;;) {
    try {
      return { value: evaluate() };
    } catch (error) {
      if (error instanceof TemplateError)
        return { status: 400, error: { code: "InvalidTemplate", message: invalidTemplate(error).message } };
      if (!(error instanceof NotYet)) throw error;
      if (error.needs.kind === "deployed") return "waits";
      const answered = await answerTo(run, error.needs);
      if (answered.status >= 400) return { status: answered.status, error: errorOf(answered) };
      run.answers.set(error.needs.key, (answered.body ?? {}) as Value);
    }
  }
};

const answerTo = (run: Run, needs: Exclude<Need, { kind: "deployed" }>): Promise<Answered> =>
  needs.kind === "resource"
    ? ask(run, "GET", targetOf(needs.id, needs.apiVersion))
    : ask(run, "POST", targetOf(`${needs.id}/${needs.action}`, needs.apiVersion), needs.body);

type New = { state: DeploymentStep["state"]; detail: Omit<DeploymentStep["detail"], "startedAt" | "changedAt"> };

const put = async (run: Run, key: string, { state, detail }: New): Promise<DeploymentStep> => {
  const { ids, clock } = run.services;
  const now = clock.now();
  const step = {
    runId: run.deployment.runId,
    key,
    stepId: ids.hex(8).toUpperCase(),
    state,
    detail: { ...detail, startedAt: now, changedAt: now },
  };
  run.steps.set(key, step);
  await save(run, step);
  return step;
};

const statusNames: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "NoContent",
  400: "BadRequest",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
};

const note = async (run: Run, step: DeploymentStep, { state, status, error }: Outcome): Promise<void> => {
  const { follow: _done, ...detail } = step.detail;
  const changed = {
    ...step,
    state,
    detail: {
      ...detail,
      changedAt: run.services.clock.now(),
      statusCode: statusNames[status] ?? String(status),
      ...(error === undefined ? {} : { error }),
    },
  };
  run.steps.set(step.key, changed);
  await save(run, changed);
};

const save = ({ services, deployment }: Run, step: DeploymentStep): Promise<void> => services.store.commit(putStep(step, deployment));

/** Nothing is running any more, and nothing more can begin. */
const end = async (run: Run): Promise<void> => {
  const { services, deployment, prepared, steps } = run;
  const failed = [...steps.values()].filter(({ state }) => state === "Failed");
  if (failed.length > 0) return finish(services, deployment, "Failed", { error: failedDeployment(services.settings, deployment, failed) });
  const left = prepared.resources.find(({ key, isExisting }) => !isExisting && !steps.has(key));
  if (left !== undefined)
    throw new TemplateError(
      `Circular dependency detected on resource: '${left.id.slice(0, 512)}': what it refers to is never deployed before it.`,
    );
  const outputs = await known(run, () => outputsOf(prepared, knownOf(run)));
  if (outputs === "waits") throw new TemplateError("The outputs refer to a resource that is not deployed.");
  const invalid = (details: DeploymentError): Promise<void> => {
    const message = "The template output is not valid: see details.";
    return finish(services, deployment, "Failed", { error: { code: "DeploymentOutputEvaluationFailed", message, details: [details] } });
  };
  if ("error" in outputs) return invalid(outputs.error);
  const outputResources = prepared.resources.filter(({ isExisting }) => !isExisting).map(({ id }) => id);
  const shown = shownParameters(outputs.value as Record<string, Output>);
  if (JSON.stringify(shown).length > mostShown)
    return invalid({ code: "InvalidTemplate", message: "The outputs are more than can be shown." });
  await finish(services, deployment, "Succeeded", { outputs: shown, outputResources });
};
