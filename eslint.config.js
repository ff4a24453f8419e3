import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'bench/', 'coverage/', 'reports/', '**/*.generated.ts', 'src/kernels/simd/assembly/', 'test/outsider/', 'docs/site/', 'docs/test/', 'docs/serve.ts', 'docs/preview.ts', 'docs/generate/', 'docs/anyPath.ts', 'docs/policy.ts', 'docs/marker.ts', '**/node_modules/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] }, tsconfigRootDir: import.meta.dirname }
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'prefer-const': 'error',
      eqeqeq: 'error'
    }
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/node/**'],
    rules: {
      'no-restricted-globals': ['error', 'Date', 'performance', 'process', 'setTimeout', 'setInterval', 'fetch'],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'Randomness is a key.' }],
      'no-console': 'error',
      'no-param-reassign': 'error'
    }
  },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] }
)
