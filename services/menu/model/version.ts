/** Part of the key of a model: another version makes another model of the same photo. Here, so that an API that needs only it loads no libraries for models. */
export const pipelineVersion = 1
