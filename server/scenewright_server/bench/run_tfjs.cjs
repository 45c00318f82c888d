// Runs a graph model of TensorFlow.js: node run_tfjs.cjs MODULES MODEL.json INPUT OUT
//
// MODULES has node_modules with @tensorflow/tfjs-core, -converter and -backend-wasm. INPUT holds float32 numbers, one
// input after another. OUT gets the outputs' float32 numbers in the order of their names, and OUT.json their shapes.
const fs = require('fs');
const path = require('path');
const [modules, model, input, out] = process.argv.slice(2);
const load = (name) => require(path.join(modules, 'node_modules', '@tensorflow', name));
const tf = load('tfjs-core');
const { loadGraphModel } = load('tfjs-converter');
load('tfjs-backend-wasm');

async function main() {
  await tf.setBackend('wasm');
  const { modelTopology, weightsManifest, signature } = JSON.parse(fs.readFileSync(model));
  const files = weightsManifest.flatMap((group) => group.paths);
  const data = Buffer.concat(files.map((file) => fs.readFileSync(path.join(path.dirname(model), file))));
  const graph = await loadGraphModel({
    load: async () => ({
      modelTopology,
      signature,
      weightSpecs: weightsManifest.flatMap((group) => group.weights),
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
    }),
  });
  const raw = fs.readFileSync(input);
  const numbers = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  const shape = graph.inputs[0].shape;
  const size = shape.reduce((a, b) => a * b, 1);
  const names = Object.keys(signature.outputs).sort();
  const chunks = [];
  for (let i = 0; i < numbers.length; i += size) {
    const results = graph.execute(tf.tensor(numbers.slice(i, i + size), shape), names);
    for (const result of results) chunks.push(Buffer.from(new Float32Array(result.dataSync()).buffer));
    if (i === 0) fs.writeFileSync(`${out}.json`, JSON.stringify(results.map((result) => result.shape)));
  }
  fs.writeFileSync(out, Buffer.concat(chunks));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
