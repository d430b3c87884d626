//! The stand-ins themselves: against the published contracts, against each other, and as the Lambdas of staging.

mod contracts;
mod dynamodb;
mod staging;
