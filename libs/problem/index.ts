export { type FieldError, isProblem, Problem, type ProblemDetails, problem, toProblem } from './problem.ts'
export { type ProblemCode, type ProblemDefinition, problems } from './table.ts'
