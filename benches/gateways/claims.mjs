// The issuer and the audience of every token.

export const ISSUER = "https://issuer.example/";
export const AUDIENCE = "https://api.example.com";
