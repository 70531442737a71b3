// Lint rules. Besides typescript-eslint's strict set they keep the layers apart (ARCHITECTURE.md, "Layers").
import tseslint from 'typescript-eslint';

/** What each package may import through an alias; everything else with '#' is refused, with the reason. */
const layers = {
  spec: { allowed: [], reason: 'spec is vocabulary: it depends on nothing' },
  lib: { allowed: ['spec'], reason: 'lib may use spec only' },
  proto: {
    allowed: ['spec'],
    reason: 'proto describes the wire and does no work: it may use spec only',
  },
  runtime: {
    allowed: ['spec', 'lib'],
    reason: 'the runtime starts for every operation: it must never load gRPC',
  },
  shim: { allowed: ['spec', 'lib', 'proto'], reason: 'the shim reaches the runtime by running it' },
  'containerd-lite': {
    allowed: ['spec', 'lib', 'proto'],
    reason: 'containerd-lite reaches shims over ttrpc',
  },
  engine: {
    allowed: ['spec', 'lib', 'proto'],
    reason: 'engined reaches containerd-lite over gRPC',
  },
  cli: { allowed: ['spec', 'lib'], reason: 'the cli reaches engined over HTTP' },
};

const layerRules = Object.entries(layers).map(([name, { allowed, reason }]) => ({
  files: [`${name}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          // `regex`, because a glob that starts with # is read as a comment.
          { regex: `^#(?!(?:${[...allowed, name].join('|')})/)`, message: reason },
          {
            regex: `^(?:\\.\\./)+(?:${[...Object.keys(layers)].filter((other) => other !== name).join('|')})/`,
            message:
              'another package is reached by its alias (spec, lib, proto) or as a process, never by a path',
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'proto/src/generated/',
      'eslint.config.js',
      'bench/results/',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Numbers in messages are what a reader wants to see; anything else must be turned into text by hand.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // An async method without await still promises not to throw synchronously: interfaces need that.
      '@typescript-eslint/require-await': 'off',
      // `void` in arrow shorthand (`() => clearTimeout(t)`) is the common way to write a cleanup.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `while (true)` with an explicit exit is how a reader loop reads best.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // An argument that an interface demands and this implementation does not need starts with _.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      // Its check of thrown-away class types misreads winston's declarations.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    // chai's `expect(x).to.be.true` is an expression by design.
    files: ['**/test/**/*.ts', 'integration-tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  ...layerRules,
);
