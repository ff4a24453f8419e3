export * from './schedules.js'
