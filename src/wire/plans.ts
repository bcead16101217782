// Keeps what is compiled from a model for a version: made on first use, never thrown away (models and versions are few and fixed).
import type { Model } from "../api/fields.ts";
import type { Version } from "../api/versions.ts";

export const kept = <Plan>(compile: (model: Model, version: Version) => Plan): ((model: Model, version: Version) => Plan) => {
  const plans = new WeakMap<Model, Map<Version, Plan>>();
  return (model, version) => {
    const ofModel = plans.get(model) ?? new Map<Version, Plan>();
    plans.set(model, ofModel);
    const plan = ofModel.get(version) ?? compile(model, version);
    ofModel.set(version, plan);
    return plan;
  };
};
