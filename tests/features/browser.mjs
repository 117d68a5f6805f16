// Runs a model in ONNX Runtime's WebAssembly: node browser.mjs PACKAGE_FOLDER MODEL FEEDS.json, answers as JSON.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, model, feeds] = process.argv.slice(2);
const ort = await import(pathToFileURL(`${folder}/dist/ort.wasm.bundle.min.mjs`));
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(model)), {
  executionProviders: ["wasm"],
  logSeverityLevel: 4,
});
const kinds = { float64: Float64Array, float32: Float32Array, string: Array };
const inputs = {};
for (const [name, { type, shape, data }] of Object.entries(JSON.parse(readFileSync(feeds)))) {
  const values = data.map((value) => (value === null ? NaN : value));
  inputs[name] = new ort.Tensor(type, kinds[type].from(values), shape);
}
const { features } = await session.run(inputs);
const data = Array.from(features.data, (value) => (Number.isNaN(value) ? null : value));
console.log(JSON.stringify({ version: ort.env.versions.web, shape: features.dims, data }));
