export * as backend from '@flambeau/backend-cpu';
export * as core from '@flambeau/core';
export * as nn from '@flambeau/nn';
export * as optim from '@flambeau/optim';
