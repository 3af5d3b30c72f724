export { httpApp } from './http/http-app.ts'
export type { HttpAppOptions, HttpStoreOptions } from './http/http-options.ts'
export { serveHttp, type HttpServer, type ServeHttpOptions } from './http/serve-http.ts'
