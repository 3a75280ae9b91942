//! What a feed deals with: tokens that behave and tokens that do not, validators, access controllers, readers.
//! Small contracts are written as code of the machine, so that both feeds meet the same ones at the same addresses.

use crate::chain::{Chain, address, ours, reference};
use alloy_primitives::{Address, U256, keccak256};
use alloy_sol_types::SolCall;
use bindings::{link_token, simple_read_access_controller, simple_write_access_controller as list};

pub const SUPPLY: u128 = 10u128.pow(27);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The reference's token; it fails with an invalid instruction.
    Link,
    /// Ours; it fails with an error.
    Ours,
    /// Moves, and returns nothing.
    Silent,
    /// Moves, and returns 2.
    Two,
    /// Moves, and returns a byte less than a word.
    Short,
    /// Moves, and returns true and more.
    Long,
    /// Does not move, and returns false.
    False,
    /// Does not move, and burns all gas.
    Burning,
    /// An address without code.
    Codeless,
    Zero,
}

impl Token {
    pub const ALL: [Self; 10] = [
        Self::Link,
        Self::Ours,
        Self::Silent,
        Self::Two,
        Self::Short,
        Self::Long,
        Self::False,
        Self::Burning,
        Self::Codeless,
        Self::Zero,
    ];

    /// Whether `transfer` can be trusted, if there are funds.
    pub fn behaves(self) -> bool {
        matches!(self, Self::Link | Self::Ours | Self::Long)
    }

    /// Whether tokens move, and the code that answers `transfer`; of tokens that are not contracts of somebody else.
    fn answer(self) -> Option<(bool, &'static str)> {
        match self {
            Self::Silent => Some((true, "5f5ff3")),
            Self::Two => Some((true, "60025f5260205ff3")),
            Self::Short => Some((true, "601f5ff3")),
            Self::Long => Some((true, "60015f5260405ff3")),
            Self::False => Some((false, "60205ff3")),
            Self::Burning => Some((false, "fe")),
            Self::Link | Self::Ours | Self::Codeless | Self::Zero => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validator {
    None,
    Codeless,
    Reverts,
    BurnsGas,
    /// Logs what it is called with.
    Logs,
    /// Logs what the feed says of itself at this moment; see `Protocol::VALIDATOR_READS`.
    Reads,
}

impl Validator {
    pub const ALL: [Self; 6] = [Self::None, Self::Codeless, Self::Reverts, Self::BurnsGas, Self::Logs, Self::Reads];

    pub fn address(self) -> Address {
        match self {
            Self::None => Address::ZERO,
            Self::Codeless | Self::Reverts | Self::BurnsGas | Self::Logs | Self::Reads => {
                address("validator", self as usize)
            }
        }
    }

    fn code(self, reads: [u8; 4]) -> Vec<u8> {
        let code = match self {
            Self::None | Self::Codeless => "".into(),
            Self::Reverts => "5f5ffd".into(),
            Self::BurnsGas => "fe".into(),
            // calldatacopy(0, 0, size), log0(0, size), return true
            Self::Logs => "365f5f37365fa060015f5260205ff3".into(),
            // the caller is asked for three words, which are logged if it answers
            Self::Reads => format!("63{}60e01b5f5260605f60045f335afa601757005b60605fa000", hex::encode(reads)),
        };
        hex::decode(code).expect("hex")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    None,
    Codeless,
    Reverts,
    /// Answers with 2, which is no boolean.
    Two,
    /// Lists that the owner of this test keeps.
    List,
    ReadList,
}

impl Controller {
    pub const ALL: [Self; 6] = [Self::None, Self::Codeless, Self::Reverts, Self::Two, Self::List, Self::ReadList];
}

/// Where the contracts of the surroundings are.
#[derive(Clone)]
pub struct Surroundings {
    link: Address,
    ours: Address,
    list: Address,
    read_list: Address,
}

impl Surroundings {
    /// Puts everything on a chain; the same on every chain.
    pub fn new(chain: &mut Chain, owner: Address, validator_reads: [u8; 4]) -> Option<Self> {
        let (link, _) = chain.deploy(owner, reference("LinkToken")?.to_vec());
        let (ours, _) = chain.deploy(owner, ours("LinkToken").to_vec());
        let (list, _) = chain.deploy(owner, list::BYTECODE.to_vec());
        let (read_list, _) = chain.deploy(owner, simple_read_access_controller::BYTECODE.to_vec());
        let all = Self { link, ours, list, read_list };
        for token in Token::ALL {
            if let Some((moves, answer)) = token.answer() {
                let at = all.token(token);
                chain.place(at, spoiled(ours, moves, answer));
                // The first variable of ours, whose code it borrows, is `balanceOf`.
                chain.store(at, mapping(owner, 0), U256::from(SUPPLY));
            }
        }
        for validator in Validator::ALL {
            let code = validator.code(validator_reads);
            if !code.is_empty() {
                chain.place(validator.address(), code);
            }
        }
        chain.place(all.controller(Controller::Reverts), vec![0x5f, 0x5f, 0xfd]);
        chain.place(all.controller(Controller::Two), hex::decode("60025f5260205ff3").expect("hex"));
        chain.place(reader(), forwarder());
        for (name, at) in [("billing admin", list), ("requester", list), ("requester", read_list)] {
            let call = list::addAccessCall { user: address(name, 0) };
            chain.send_call(owner, at, &call).success();
        }
        Some(all)
    }

    pub fn token(&self, token: Token) -> Address {
        match token {
            Token::Link => self.link,
            Token::Ours => self.ours,
            Token::Zero => Address::ZERO,
            Token::Silent
            | Token::Two
            | Token::Short
            | Token::Long
            | Token::False
            | Token::Burning
            | Token::Codeless => address("token", token as usize),
        }
    }

    pub fn which_token(&self, at: Address) -> Option<Token> {
        Token::ALL.into_iter().find(|token| self.token(*token) == at)
    }

    pub fn controller(&self, controller: Controller) -> Address {
        match controller {
            Controller::None => Address::ZERO,
            Controller::List => self.list,
            Controller::ReadList => self.read_list,
            Controller::Codeless | Controller::Reverts | Controller::Two => address("controller", controller as usize),
        }
    }
}

/// The slot of a mapping's entry for an address.
pub fn mapping(key: Address, slot: u64) -> U256 {
    keccak256([key.into_word().0, U256::from(slot).to_be_bytes()].concat()).into()
}

/// A contract that calls what the first word of its calldata names with the rest of it, and returns 1 and the answer, or 0.
pub fn reader() -> Address {
    address("reading contract", 0)
}

fn forwarder() -> Vec<u8> {
    hex::decode(
        "60203603806020 5f37 5f5f825f5f355afa 601b57 5f5f5260205ff3 5b60015f523d5f60203e3d6020015ff3".replace(' ', ""),
    )
    .expect("hex")
}

/// A token that borrows the code of another, but has its own way with `transfer`.
fn spoiled(code: Address, moves: bool, answer: &str) -> Vec<u8> {
    let selector = hex::encode(link_token::transferCall::SELECTOR);
    // Copies the calldata, calls the other's code, and passes a failure on; `after` is where a success goes on.
    let borrow = |after: u8| format!("365f5f375f5f365f73{}5af460{after:02x}575f5ffd", hex::encode(code));
    let borrow_length = 37;
    let own = 14 + borrow_length + 8;
    let mut text = format!("5f3560e01c63{selector}1460{own:02x}57");
    text += &borrow(14 + borrow_length);
    text += "5b3d5f5f3e3d5ff3";
    text += "5b";
    if moves {
        text += &borrow(own + 1 + borrow_length);
        text += "5b";
    } else {
        text += "5f5f52"; // nothing
    }
    text += answer;
    hex::decode(text).expect("hex")
}
