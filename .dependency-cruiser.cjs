// The arrows of the architecture: who may import whom. docs/architecture.md draws them.

const runtime = { dependencyTypesNot: ['type-only'] };

// Core's layers, from the left: each imports only what stands before it. Types may point either way.
const layers = [
  ['foundations', 'host/|(errors|dtype|shape)\\.ts$'],
  ['expr', 'expr/'],
  ['storage', 'storage/|backend\\.ts$'],
  ['graph', 'graph/'],
  ['dispatch', 'dispatch/'],
  ['random', 'random/'],
  ['ops', 'ops/'],
  ['autograd', 'autograd/'],
  ['tensor', 'tensor/'],
  ['checkpoint', 'checkpoint/'],
  ['index', 'index\\.ts$'],
].map(([name, path]) => ({ name, path: `^packages/core/src/(${path})` }));

const layerRules = layers.slice(0, -1).map(({ name, path }, i) => ({
  name: `core-layer-${name}`,
  comment: `In core, ${name} imports only itself and the layers before it: ${layers
    .slice(0, i + 1)
    .map((layer) => layer.name)
    .join(', ')}.`,
  severity: 'error',
  from: { path },
  to: { path: layers.slice(i + 1).map((layer) => layer.path), ...runtime },
}));

/** What the sources of a package may import of the other packages; everything else under `packages` is refused. */
function packageRule(name, folders, comment, allowed) {
  return {
    name: `package-${name}`,
    comment,
    severity: 'error',
    from: { path: `^packages/(${folders})/src/` },
    to: { path: '^packages/', pathNot: ['^packages/$1/', ...allowed] },
  };
}

const publicCore = '^packages/core/src/index\\.ts$';
const coreForBackends = '^packages/core/src/backend\\.ts$';

module.exports = {
  forbidden: [
    packageRule('core', 'core', 'Core imports no other package.', []),
    packageRule('backend', 'backend-(?:cpu|webgpu|cuda)', 'A backend imports @flambeau/core/backend alone.', [
      coreForBackends,
    ]),
    packageRule('testkit', 'backend-testkit', 'The test kit imports core alone, whatever it is run on.', [
      publicCore,
      coreForBackends,
    ]),
    packageRule('nn-data', 'nn|data', 'nn and data import the public API of core alone.', [publicCore]),
    packageRule('optim', 'optim', 'optim imports the public API of core, and types of nn at most.', [
      publicCore,
      '^packages/nn/src/index\\.ts$',
    ]),
    {
      name: 'optim-nn-types',
      comment: 'optim may name types of nn, and run nothing of it.',
      severity: 'error',
      from: { path: '^packages/optim/src/' },
      to: { path: '^packages/nn/', ...runtime },
    },
    packageRule('flambeau', 'flambeau', 'flambeau gathers core, the CPU backend, nn, optim and data.', [
      '^packages/(core|backend-cpu|nn|optim|data)/src/index\\.ts$',
    ]),
    {
      name: 'published-names-across-packages',
      comment: 'One package reaches another by its published name, never by a path.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|examples/[^/]+|benchmarks)/' },
      to: {
        path: '^(packages|examples|benchmarks)/',
        pathNot: '^$1/',
        dependencyTypesNot: ['aliased-workspace'],
      },
    },
    {
      name: 'published-names-in-examples',
      comment: 'Examples and benchmarks import what a user can import.',
      severity: 'error',
      from: { path: '^(examples|benchmarks)/' },
      to: { path: '^packages/', pathNot: '^packages/[^/]+/src/(index|backend)\\.ts$' },
    },
    ...layerRules,
    {
      name: 'core-layer-unknown',
      comment: 'Every file of core lies in a layer; add a new folder to the list of layers.',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: layers.map((layer) => layer.path) },
      to: {},
    },
    {
      name: 'no-cycle',
      comment: 'No cycle at run time among the modules of a package.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-host-modules',
      comment: 'Node modules come in through src/host alone, so that a page bundles none.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '^packages/[^/]+/src/(host|cli)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere: a deep import that no `exports` offers does not.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // The peers' own packages are installed on demand, outside the workspace.
    exclude: { path: '(^|/)(dist|\\.types|\\.turbo|\\.cache|coverage)/|^benchmarks/peers/' },
    moduleSystems: ['es6', 'cjs'],
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
