/** What the interface speaks, by the names of its own description (`docs/openapi.json`). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Job = Schemas["Job"];
export type JobPage = Schemas["JobPage"];
export type JobState = Schemas["JobState"];
export type Limits = Schemas["Limits"];
export type ModelCard = Schemas["ModelCard"];
export type Models = Schemas["Models"];
export type Problem = Schemas["Problem"];
export type Progress = Schemas["JobProgress"];
export type RecognizeOptions = Schemas["RecognizeOptions"];
export type Report = Schemas["AnalysisReport"];
export type Face = Schemas["TrackedFace"];
export type MicroExpression = Schemas["Event"];
export type Explanation = Schemas["Explanation"];
export type Prediction = Schemas["Prediction"];
export type Row = Schemas["FrameRow"];
export type Trace = Schemas["ActionUnitTrace"];
export type Affine = Explanation["grid"]["onset"];
